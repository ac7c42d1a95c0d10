//! An answer that is made while it is read, line by line.

use portcullis_api::admin::LocalStream;

/// Lines, as they come.
pub struct Lines {
    stream: LocalStream,
    /// What has come, from `at` on not read yet.
    come: Vec<u8>,
    at: usize,
}

impl Lines {
    /// Of this answer.
    pub(super) fn of(stream: LocalStream) -> Self {
        Self { stream, come: Vec::new(), at: 0 }
    }

    /// The next line, without its end. None at the end of the answer; what is no whole line then is left out.
    pub async fn next(&mut self) -> Option<String> {
        let mut looked = self.at;
        loop {
            if let Some(length) = self.come[looked..].iter().position(|byte| *byte == b'\n') {
                let end = looked + length;
                let line = String::from_utf8_lossy(&self.come[self.at..end]).into_owned();
                self.at = end + 1;
                return Some(line);
            }
            self.come.drain(..self.at);
            self.at = 0;
            looked = self.come.len();
            self.come.extend_from_slice(&self.stream.next().await?);
        }
    }
}
