//! The agent's wire: frames with their length in front, and strings with theirs.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use crate::keys::KeyError;

/// The longest frame, in bytes, in either direction: as OpenSSH has it.
pub(super) const MAX_FRAME: usize = 256 * 1024;

/// A connection to an agent, for one question.
pub(super) struct Connection {
    stream: UnixStream,
    deadline: Instant,
}

impl Connection {
    /// `time` is how long question and answer may take together.
    pub(super) fn open(socket: &Path, time: Duration) -> Result<Self, KeyError> {
        let stream = UnixStream::connect(socket).map_err(|error| {
            KeyError::Keeper(format!("no SSH agent answers at {} (SSH_AUTH_SOCK): {error}", socket.display()))
        })?;
        Ok(Self { stream, deadline: Instant::now() + time })
    }

    /// What follows the answer's type, which must be this one.
    pub(super) fn ask(mut self, request: &[u8], expected: u8) -> Result<Vec<u8>, KeyError> {
        let answer = self.exchange(request).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                KeyError::Keeper("the SSH agent took too long".into())
            }
            _ => KeyError::Keeper(format!("the SSH agent: {error}")),
        })?;
        match answer.split_first() {
            Some((kind, rest)) if *kind == expected => Ok(rest.to_vec()),
            _ => Err(KeyError::Keeper("the SSH agent refused: it may be locked, or its owner said no".into())),
        }
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut frame = Vec::with_capacity(request.len() + 4);
        string(&mut frame, request).map_err(|_| io::Error::other("there is more to sign than an agent takes"))?;
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            self.stream.set_write_timeout(Some(self.left()?))?;
            let written = self.stream.write(rest)?;
            rest = &rest[written..];
        }
        let mut length = [0u8; 4];
        self.fill(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other(format!("it answers with {length} bytes; the most is {MAX_FRAME}")));
        }
        let mut answer = vec![0; length];
        self.fill(&mut answer)?;
        Ok(answer)
    }

    /// Reads all of this, and no longer than the time allows however slowly it comes.
    fn fill(&mut self, mut rest: &mut [u8]) -> io::Result<()> {
        while !rest.is_empty() {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(rest) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => rest = &mut rest[read..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// Appends bytes with their length in front.
pub(super) fn string(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), KeyError> {
    if to.len() + bytes.len() > MAX_FRAME {
        return Err(KeyError::Keeper(format!("there is more to sign than the {MAX_FRAME} bytes that an agent takes")));
    }
    to.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    to.extend_from_slice(bytes);
    Ok(())
}

/// What is left of an answer.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
