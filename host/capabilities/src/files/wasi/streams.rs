//! Streams from and to an open file. They wait for nothing: its content is in memory.

use bytes::Bytes;
use portcullis_runtime::{
    wasmtime::Error,
    wasmtime_wasi::{
        async_trait,
        p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult},
    },
};

use super::open_file::OpenFile;

/// The most bytes that go through at once.
pub const CHUNK: usize = 64 * 1024;

/// Reads from a place on.
pub struct Input {
    pub file: OpenFile,
    pub at: u64,
}

/// Writes from a place on, or always at the end.
pub struct Output {
    pub file: OpenFile,
    pub at: Option<u64>,
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {}
}

impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let failed = |code| StreamError::LastOperationFailed(Error::from(code));
        let bytes = self.file.read(self.at, size.min(CHUNK)).map_err(failed)?;
        if bytes.is_empty() && size > 0 {
            return Err(StreamError::Closed);
        }
        self.at += bytes.len() as u64;
        Ok(bytes.into())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let failed = |code| StreamError::LastOperationFailed(Error::from(code));
        let behind = self.file.write(self.at, &bytes).map_err(failed)?;
        self.at = self.at.map(|_| behind);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}
