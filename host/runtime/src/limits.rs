//! Limits on memory and tables, and how a reached limit is told.

use wasmtime::ResourceLimiter;

/// A limit ended the call. Travels as the trap's cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit reached: {0}")]
pub struct LimitReached(pub &'static str);

/// Memory and tables of one call. Growth past the limit traps with [`LimitReached`]: a refused growth would only turn into
/// an allocation failure with no name.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    most: usize,
    used: usize,
    most_elements: usize,
    elements: usize,
}

impl MemoryLimit {
    /// Bytes of linear memory, all memories together, and table elements, all tables together.
    pub fn new(most: usize, most_elements: usize) -> Self {
        Self { most, used: 0, most_elements, elements: 0 }
    }

    /// As much as the engine has.
    pub fn unbounded() -> Self {
        Self::new(usize::MAX, usize::MAX)
    }

    /// Bytes of linear memory. Memories only grow, so this is the peak.
    pub fn used(&self) -> usize {
        self.used
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.most {
            return Err(LimitReached("memory-mib").into());
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.elements = self.elements.saturating_add(desired.saturating_sub(current));
        if self.elements > self.most_elements { Err(LimitReached("table-elements").into()) } else { Ok(true) }
    }
}
