//! `files:read` and `files:write bytes=...`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    files::{FileList, FileMakeDir, FileRead, FileRemove, FileStat, FileWrite},
    scope::{Allows, Grant, Risk, Scope, ScopeError, ScopeText, parse_bytes, print_bytes},
};

/// What may be done with the installation's own directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilesScope {
    /// Read and list.
    Read,
    /// Write and remove, up to this many bytes of all files together.
    Write(u64),
}

impl Scope for FilesScope {
    const CAPABILITY: &'static str = "files";
    const EXAMPLES: &'static [&'static str] = &["files:read", "files:write bytes=10MiB"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "read" => text.expect_keys(&[]).map(|()| vec![Self::Read]),
            "write" => {
                text.expect_keys(&["bytes"])?;
                let wrong = || text.error("'bytes' is a whole number with B, KiB, MiB or GiB, such as 10MiB");
                Ok(vec![Self::Write(parse_bytes(text.value("bytes")?).ok_or_else(wrong)?)])
            }
            _ => Err(text.unknown_action(&["read", "write"])),
        }
    }

    fn text(&self) -> ScopeText {
        match self {
            Self::Read => ScopeText::new("files", "read"),
            Self::Write(bytes) => ScopeText::new("files", "write").with("bytes", [print_bytes(*bytes)]),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read, Self::Read) => Some(Self::Read),
            (Self::Write(a), Self::Write(b)) => Some(Self::Write(*a.min(b))),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Read => "reads the files in its own directory".to_owned(),
            Self::Write(bytes) => format!("keeps files of up to {} in a directory of its own", print_bytes(*bytes)),
        }
    }

    fn risk(&self) -> Risk {
        Risk::Low
    }

    fn classes(&self) -> BTreeSet<Class> {
        [Class::Internal].into()
    }
}

/// The quota that the grant gives; 0 where it gives none.
pub(super) fn quota(grant: &Grant<FilesScope>) -> u64 {
    let sizes = grant.scopes().filter_map(|s| if let FilesScope::Write(bytes) = s { Some(*bytes) } else { None });
    sizes.max().unwrap_or(0)
}

fn reading(grant: &Grant<FilesScope>) -> Result<(), String> {
    match grant.scopes().any(|s| *s == FilesScope::Read) {
        true => Ok(()),
        false => Err("reading files is not granted".to_owned()),
    }
}

fn writing(grant: &Grant<FilesScope>, bytes: u64) -> Result<(), String> {
    match quota(grant) {
        0 => Err("keeping files is not granted".to_owned()),
        most if most < bytes => Err(format!("keeping more than {} in files is not granted", print_bytes(most))),
        _ => Ok(()),
    }
}

macro_rules! allows {
    ($($act:ident => $needed:expr, $decide:expr;)*) => {$(
        impl Allows<$act> for FilesScope {
            fn needed(act: &$act) -> ScopeText {
                let needed: fn(&$act) -> FilesScope = $needed;
                needed(act).text()
            }
            fn decide(grant: &Grant<Self>, act: &$act) -> Result<(), String> {
                let decide: fn(&Grant<Self>, &$act) -> Result<(), String> = $decide;
                decide(grant, act)
            }
        }
    )*};
}

allows! {
    FileRead => |_| FilesScope::Read, |grant, _| reading(grant);
    FileList => |_| FilesScope::Read, |grant, _| reading(grant);
    FileStat => |_| FilesScope::Read, |grant, _| reading(grant);
    FileWrite => |act| FilesScope::Write(if act.quota == 0 { (act.content.len() as u64).max(1) } else { act.quota }),
        |grant, act| writing(grant, act.quota);
    FileMakeDir => |act| FilesScope::Write(act.quota.max(1)), |grant, act| writing(grant, act.quota);
    FileRemove => |_| FilesScope::Write(1), |grant, _| writing(grant, 1);
}

#[cfg(test)]
mod tests {
    use portcullis_model::{files::Path, scope::check_meet_laws};
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Vec<FilesScope>> {
        let one = prop_oneof![Just(FilesScope::Read), (1u64..9).prop_map(FilesScope::Write)];
        proptest::collection::vec(one, 0..4)
    }

    fn allowed(grant: &Grant<FilesScope>, quota: u64) -> [bool; 6] {
        let path = Path::parse("a").unwrap();
        let write = FileWrite { path: path.clone(), content: vec![], quota };
        [
            FilesScope::decide(grant, &FileRead { path: path.clone() }).is_ok(),
            FilesScope::decide(grant, &FileList { path: path.clone() }).is_ok(),
            FilesScope::decide(grant, &FileStat { path: path.clone() }).is_ok(),
            FilesScope::decide(grant, &write).is_ok(),
            FilesScope::decide(grant, &FileMakeDir { path: path.clone(), quota }).is_ok(),
            FilesScope::decide(grant, &FileRemove { path }).is_ok(),
        ]
    }

    proptest! {
        #[test]
        fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
            check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
        }

        #[test]
        fn meet_allows_what_both_allow(a in scopes(), b in scopes(), quota in 1u64..9) {
            let (a, b) = (Grant::new(a), Grant::new(b));
            let (left, right) = (allowed(&a, quota), allowed(&b, quota));
            let both: Vec<bool> = left.iter().zip(right).map(|(l, r)| *l && r).collect();
            prop_assert_eq!(allowed(&a.meet(&b), quota).to_vec(), both);
        }
    }

    #[test]
    fn reading_is_not_writing_and_the_other_way_round() {
        assert_eq!(allowed(&Grant::new([FilesScope::Read]), 1), [true, true, true, false, false, false]);
        assert_eq!(allowed(&Grant::new([FilesScope::Write(1)]), 1), [false, false, false, true, true, true]);
        assert_eq!(allowed(&Grant::new([]), 1), [false; 6]);
    }

    #[test]
    fn a_text_is_read_as_it_is_written() {
        for text in FilesScope::EXAMPLES {
            let scopes = FilesScope::parse(&text.parse().unwrap()).unwrap();
            assert_eq!(scopes[0].text().to_string(), *text);
        }
        for (text, problem) in [
            ("files:write", "'bytes=...' is missing"),
            ("files:write bytes=10", "'bytes' is a whole number"),
            ("files:open", "no action 'open'"),
        ] {
            let error = FilesScope::parse(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
