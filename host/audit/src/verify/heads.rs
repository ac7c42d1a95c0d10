//! Follows the heads of views through the log: with each leaf one view has one entry more, and its root is that of the entries
//! that it had and this one.
//!
//! Invariants: the roots are computed here, from the leaf hashes in the log, and compared; only the first contradiction is kept,
//! since the later ones may follow from it; memory is one frontier a view.

use std::collections::HashMap;

use super::Report;
use crate::{
    checkpoint::Checkpoint,
    fault::Fault,
    layout::{self, WIDTH, grouped},
    leaf::Leaf,
    tree::Frontier,
};

/// What is known of the views at some place of the log.
#[derive(Default)]
pub(super) struct Heads {
    views: HashMap<String, Frontier>,
    bare: u64,
    fault: Option<Fault>,
}

impl Heads {
    /// The next entry of the log.
    pub fn follow(&mut self, index: u64, entry: &[u8]) {
        if self.fault.is_none()
            && let Err(what) = self.take(index, entry)
        {
            let bundle = layout::bundle(index / WIDTH as u64, WIDTH);
            self.fault = Some(Fault::new(bundle, format!("entry {}: {what}", grouped(index))));
        }
    }

    fn take(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        let Some(leaf) = Leaf::read(entry) else {
            if self.views.is_empty() {
                self.bare += 1;
                return Ok(());
            }
            return Err("it is no head of a view, as all entries are after the first that is one".to_owned());
        };
        if leaf.index != index {
            return Err(format!("it says that it is entry {}: it was moved", grouped(leaf.index)));
        }
        let view = self.views.entry(leaf.view.clone()).or_default();
        if leaf.size != view.size() + 1 {
            let (says, had) = (grouped(leaf.size), grouped(view.size()));
            return Err(format!("it says that view {} has {says} entries, and before it had {had}", leaf.view));
        }
        view.push(leaf.entry);
        if view.root() == leaf.root { Ok(()) } else { Err(format!("the root of view {} is another", leaf.view)) }
    }

    /// The first contradiction.
    pub fn fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    pub fn report(self, head: &Checkpoint) -> Report {
        let (origin, root) = (head.origin().to_owned(), head.root().to_string());
        Report { origin, size: head.size(), root, views: self.views.len() as u64, bare: self.bare }
    }
}
