//! `wasi:cli/stdout` and `stderr`: lines in the plugin's log, within the limit that its log has.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::{
    DynOutputStream, OutputStream, Pollable, StreamResult,
    bindings::cli::{stderr, stdout},
};
use wasmtime_wasi_io::bytes::Bytes;

use crate::gate::Gate;

/// The longest line that is kept, in bytes. What follows, up to the line's end, is left out.
const LINE: usize = 4096;

/// The most that is taken in one write.
const WRITE: usize = 64 * 1024;

/// Both streams of a call.
#[derive(Clone)]
pub(super) struct Outputs {
    out: Lines,
    err: Lines,
}

impl Outputs {
    pub fn new(gate: Option<Gate>) -> Self {
        Self { out: Lines::new("info", gate.clone()), err: Lines::new("warn", gate) }
    }

    /// Logs what was left without a line's end.
    pub fn finish(&self) {
        self.out.end();
        self.err.end();
    }
}

/// A stream's lines. All handles to a stream write into the same line.
#[derive(Clone)]
struct Lines {
    level: &'static str,
    gate: Option<Gate>,
    line: Arc<Mutex<Vec<u8>>>,
}

impl Lines {
    fn new(level: &'static str, gate: Option<Gate>) -> Self {
        Self { level, gate, line: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        split(&mut line, bytes, |line| self.log(line));
    }

    fn end(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.is_empty() {
            self.log(&line);
            line.clear();
        }
    }

    fn log(&self, line: &[u8]) {
        if let Some(gate) = &self.gate {
            gate.log(self.level, &text(line));
        }
    }
}

/// Adds bytes to a line that was begun, and gives each line that they end.
fn split(line: &mut Vec<u8>, bytes: &[u8], mut each: impl FnMut(&[u8])) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let rest = piece.strip_suffix(b"\n");
        let text = rest.unwrap_or(piece);
        let room = LINE - line.len();
        line.extend_from_slice(&text[..text.len().min(room)]);
        if rest.is_some() {
            each(line);
            line.clear();
        }
    }
}

/// A line as text. A character that its end cuts through is left out whole; other bytes that are no text show as such.
fn text(line: &[u8]) -> Cow<'_, str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&line[..error.valid_up_to()]),
        _ => String::from_utf8_lossy(line),
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

pub(super) struct HasOutput;

impl HasData for HasOutput {
    type Data<'a> = Output<'a>;
}

/// What hands out the streams.
pub(super) struct Output<'a> {
    pub outputs: &'a Outputs,
    pub table: &'a mut ResourceTable,
}

impl Output<'_> {
    fn stream(&mut self, lines: &Lines) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(lines.clone());
        Ok(self.table.push(stream)?)
    }
}

impl stdout::Host for Output<'_> {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.stream(&self.outputs.out)
    }
}

impl stderr::Host for Output<'_> {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.stream(&self.outputs.err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let (mut begun, mut found) = (Vec::new(), Vec::new());
        for piece in pieces {
            split(&mut begun, piece, |line| found.push(text(line).into_owned()));
        }
        (found, text(&begun).into_owned())
    }

    #[test]
    fn a_stream_cut_anywhere_has_the_same_lines() {
        let all = "one\n\ntwo\r\nd\u{e9}j\u{e0} vu\nrest".as_bytes();
        let whole = lines(&[all]);
        assert_eq!(whole.0, ["one", "", "two", "d\u{e9}j\u{e0} vu"]);
        assert_eq!(whole.1, "rest");
        for at in 0..all.len() {
            assert_eq!(lines(&[&all[..at], &all[at..]]), whole, "at {at}");
        }
    }

    #[test]
    fn a_line_is_cut_and_the_next_one_is_whole() {
        let long = "\u{e9}".repeat(5000);
        let (found, rest) = lines(&[b"x", long.as_bytes(), long.as_bytes(), b"\nnext\n"]);
        assert_eq!((found[0].len(), found[1].as_str(), rest.as_str()), (4095, "next", ""), "no half character");
        assert!(found[0].ends_with('\u{e9}'));
        assert_eq!(lines(&[&[b'a', 0xff, b'b', b'\n']]).0, ["a\u{fffd}b"]);
    }
}
