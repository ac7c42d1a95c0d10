//! Limits on memory and tables, and how a reached limit is told.

use wasmtime::ResourceLimiter;

/// Table elements of one call, all tables together. The largest language runtime measured needs 7,700.
const TABLE_ELEMENTS: usize = 20_000;

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
    table_elements: usize,
}

impl MemoryLimit {
    pub fn new(most: usize) -> Self {
        Self { most, used: 0, table_elements: 0 }
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
        self.table_elements = self.table_elements.saturating_add(desired.saturating_sub(current));
        if self.table_elements > TABLE_ELEMENTS { Err(LimitReached("table-elements").into()) } else { Ok(true) }
    }
}
