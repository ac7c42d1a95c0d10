//! What a careful reader should know of a manifest that is not wrong: where the publisher says more, or less, than the
//! host can see.

use std::collections::BTreeSet;

use portcullis_model::{catalogue::Catalogue, class::Class};

use super::{
    Manifest, ManifestError,
    check::{SENSITIVE, touched},
    list,
};

impl Manifest {
    /// Remarks, one clause each, with the plugin as their subject.
    pub fn remarks(&self, catalogue: &dyn Catalogue) -> Result<Vec<String>, ManifestError> {
        let meant = self.meant(catalogue)?;
        let read: BTreeSet<Class> = meant.iter().flat_map(|one| touched(&one.means)).collect();
        let leaves = meant.iter().flat_map(|one| &one.means).any(|means| !means.destinations.is_empty());
        let mut remarks = self.unseen(&read);
        if leaves {
            remarks.extend(self.could_leave(&read));
        }
        for one in &self.schedules {
            remarks.push(format!("asks to be called on the schedule {one}; this host runs no schedules"));
        }
        Ok(remarks)
    }

    /// Classes that are declared, and that nothing it can read is of.
    fn unseen(&self, read: &BTreeSet<Class>) -> Vec<String> {
        let sent = |class: &Class| self.egress.iter().any(|entry| entry.data.contains(class));
        let unseen =
            self.data_classes.iter().filter(|class| SENSITIVE.contains(class) && !read.contains(class) && !sent(class));
        let unseen: Vec<&Class> = unseen.collect();
        match unseen.as_slice() {
            [] => Vec::new(),
            some => vec![format!(
                "says that it touches {} data, though no scope that it asks for is about any: it can come upon them in free text",
                list(some)
            )],
        }
    }

    /// What it can read and, whatever it says, send.
    fn could_leave(&self, read: &BTreeSet<Class>) -> Vec<String> {
        let remark = |entry: &super::Egress| {
            let silent: Vec<&Class> =
                read.iter().filter(|class| SENSITIVE.contains(class) && !entry.data.contains(class)).collect();
            let data = list(&silent);
            (!silent.is_empty()).then(|| {
                format!(
                    "reads {data} data and says that none of them go to {}: this host does not look into what is sent",
                    entry.host
                )
            })
        };
        self.egress.iter().filter_map(remark).collect()
    }
}
