use std::ops::Range;

use portcullis_model::release::StoredRelease;
use proptest::prelude::*;
use tar::{EntryType, Header};

use super::*;

fn release(statements: &[&str], reports: &[&[u8]]) -> ReleaseFiles {
    let component: &[u8] = b"component";
    let stored = StoredRelease { digest: Digest::of(component), manifest: "id = 1".into(), envelope: "{}".into() };
    ReleaseFiles {
        component: component.into(),
        stored,
        statements: statements.iter().map(|text| (*text).to_owned()).collect(),
        reports: reports.iter().map(|report| report.to_vec()).collect(),
    }
}

fn bytes(files: &ReleaseFiles) -> Vec<u8> {
    to_bytes(files).unwrap()
}

/// An entry as somebody would make it who wants to cheat.
#[derive(Clone)]
struct Entry {
    header: Header,
    content: Vec<u8>,
}

impl Entry {
    fn new(name: &str, content: &[u8]) -> Self {
        let mut header = Header::from_byte_slice(&header::of(Part::Component, content.len())).clone();
        let field = &mut header.as_ustar_mut().unwrap().name;
        field.fill(0);
        field[..name.len()].copy_from_slice(name.as_bytes());
        Self { header, content: content.to_vec() }
    }

    fn but(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.header);
        self
    }

    fn of_kind(self, kind: EntryType) -> Self {
        self.but(|header| header.set_entry_type(kind))
    }
}

/// The four entries that every bundle has.
fn four() -> Vec<Entry> {
    vec![
        Entry::new("portcullis-bundle.json", FORMAT),
        Entry::new("plugin.wasm", b"component"),
        Entry::new("portcullis.toml", b"id = 1"),
        Entry::new("release.dsse.json", b"{}"),
    ]
}

/// The four, with this one in the place of one of them.
fn with(place: usize, entry: Entry) -> Vec<Entry> {
    let mut all = four();
    all[place] = entry;
    all
}

/// The four, and these.
fn and(more: &[(&str, &[u8])]) -> Vec<Entry> {
    let more = more.iter().map(|(name, content)| Entry::new(name, content));
    four().into_iter().chain(more).collect()
}

/// A tar of these entries with good checksums.
fn tar(entries: Vec<Entry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Entry { mut header, content } in entries {
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&content);
        bytes.extend_from_slice(&EMPTY[..fill(content.len())]);
    }
    [bytes.as_slice(), &EMPTY, &EMPTY].concat()
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn one_content_has_one_form() {
    let files = release(&["one", "two"], &[b"{}", b"[]"]);
    let made = bytes(&files);
    assert_eq!(made, bytes(&files));
    let mut sorted = files.clone();
    sorted.reports.sort_by_key(|report| Digest::of(report));
    assert_eq!(read(&made).unwrap(), sorted);
    assert_eq!(bytes(&sorted), made, "whatever order the reports came in");
    assert_eq!(read(&tar(four())).unwrap(), release(&[], &[]), "the tests' own writer makes the same");
    assert_eq!(tar(four()), bytes(&release(&[], &[])));
}

#[test]
fn every_deviation_is_refused_with_its_reason() {
    let digest = |content: &[u8]| format!("reports/{}.json", Digest::of(content).hex());
    let (low, high) = if digest(b"{}") < digest(b"[]") { (b"{}", b"[]") } else { (b"[]", b"{}") };
    let plugin = |name: &str| with(1, Entry::new(name, b"component"));
    let kind = |kind| with(1, Entry::new("plugin.wasm", b"").of_kind(kind));
    let field = |change: fn(&mut Header)| with(1, Entry::new("plugin.wasm", b"component").but(change));
    let without = |place: usize| {
        let mut all = four();
        all.remove(place);
        all
    };
    let cases: Vec<(Vec<Entry>, &str)> = vec![
        (plugin("other.wasm"), "'other.wasm' is no name of a bundle: expected plugin.wasm"),
        (plugin("../plugin.wasm"), "'../plugin.wasm' is no name of a bundle: it leads upwards"),
        (plugin("statements/../plugin.wasm"), "it leads upwards"),
        (plugin("/plugin.wasm"), "it is absolute"),
        (plugin("statements\\0001.dsse.json"), "it has a backslash"),
        (plugin("./plugin.wasm"), "is no name of a bundle"),
        (plugin("plugin.wasm/"), "is no name of a bundle"),
        (plugin("x\u{1b}[2J"), "'x\\u{1b}[2J' is no name"),
        (plugin(""), "'' is no name"),
        (kind(EntryType::Symlink), "'plugin.wasm' is a symbolic link; a bundle holds plain files alone"),
        (kind(EntryType::Link), "a hard link"),
        (kind(EntryType::Char), "a character device"),
        (kind(EntryType::Block), "a block device"),
        (kind(EntryType::Fifo), "a pipe"),
        (kind(EntryType::Directory), "a directory"),
        (kind(EntryType::GNUSparse), "a sparse file of GNU tar"),
        (kind(EntryType::GNULongName), "a long name of GNU tar"),
        (kind(EntryType::GNULongLink), "a long name of GNU tar"),
        (kind(EntryType::XHeader), "a pax header"),
        (kind(EntryType::XGlobalHeader), "a pax header"),
        (kind(EntryType::Continuous), "of an unknown kind"),
        (kind(EntryType::new(b'?')), "of an unknown kind"),
        (field(|header| header.as_mut_bytes()[156] = 0), "field 'typeflag'"),
        (field(|header| header.set_mode(0o755)), "'plugin.wasm': its header's field 'mode'"),
        (field(|header| header.set_mode(0o4644)), "field 'mode'"),
        (field(|header| header.set_uid(1000)), "field 'uid'"),
        (field(|header| header.set_gid(1000)), "field 'gid'"),
        (field(|header| header.set_mtime(1)), "field 'mtime'"),
        (field(|header| header.set_username("root").unwrap()), "field 'uname'"),
        (field(|header| header.set_groupname("root").unwrap()), "field 'gname'"),
        (field(|header| header.set_device_major(1).unwrap()), "field 'devmajor'"),
        (field(|header| header.set_device_minor(1).unwrap()), "field 'devminor'"),
        (field(|header| header.set_link_name("/etc/passwd").unwrap()), "field 'linkname'"),
        (field(|header| header.as_mut_bytes()[511] = 1), "field 'the rest'"),
        (field(|header| header.as_mut_bytes()[99] = 1), "field 'name'"),
        // The same number, written in another way.
        (field(|header| header.as_mut_bytes()[124..136].copy_from_slice(b"         11 ")), "field 'size'"),
        (
            field(|header| header.as_mut_bytes()[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x09")),
            "field 'size'",
        ),
        (field(|header| header.as_mut_bytes()[124..136].copy_from_slice(b"not a number")), "field 'size'"),
        (field(|header| header.set_size(1 << 30)), "says that it has 1073741824 bytes; the most is 33554432"),
        (field(|header| header.set_size(u64::MAX >> 1)), "says that it has 9223372036854775807 bytes"),
        (field(|header| header.set_size(33_554_432)), "it is cut off: it ends within 'plugin.wasm'"),
        (with(2, Entry::new("portcullis.toml", &[b'#'; MAX_MANIFEST + 1])), "the most is 65536"),
        (with(3, Entry::new("release.dsse.json", &[b'#'; MAX_ENVELOPE + 1])), "the most is 65536"),
        (and(&[("statements/0001.dsse.json", &[b'#'; MAX_ENVELOPE + 1])]), "the most is 65536"),
        (and(&[(&digest(&[0; MAX_REPORT + 1]), &[0; MAX_REPORT + 1])]), "the most is 1048576"),
        (with(2, Entry::new("portcullis.toml", b"\xff")), "'portcullis.toml' is not UTF-8 text"),
        (and(&[("statements/0001.dsse.json", b"\xff")]), "'statements/0001.dsse.json' is not UTF-8 text"),
        (without(0), "'portcullis-bundle.json' is missing"),
        (without(1), "'portcullis.toml' stands after 'portcullis-bundle.json'"),
        (without(3), "'release.dsse.json' is missing"),
        (Vec::new(), "'portcullis-bundle.json' is missing"),
        (and(&[("plugin.wasm", b"another")]), "'plugin.wasm' is there twice"),
        (and(&[("release.dsse.json", b"{}")]), "'release.dsse.json' is there twice"),
        (and(&[("statements/0002.dsse.json", b"")]), "'statements/0002.dsse.json' stands after 'release.dsse.json'"),
        (and(&[("statements/0001.dsse.json", b""), ("statements/0001.dsse.json", b"")]), "is there twice"),
        (
            and(&[("statements/0001.dsse.json", b""), ("statements/0003.dsse.json", b"")]),
            "0003.dsse.json' stands after",
        ),
        (and(&[(&digest(b"{}"), b"{}"), ("statements/0001.dsse.json", b"")]), "stands after 'reports/"),
        (and(&[(&digest(high), high), (&digest(low), low)]), "stands after 'reports/"),
        (and(&[(&digest(low), low), (&digest(low), low)]), "is there twice"),
        (and(&[(&digest(b"{}"), b"[]")]), "a report's name is its own digest"),
        (with(0, Entry::new("portcullis-bundle.json", b"{\"format\":2}\n")), "a bundle of another form than 1"),
        (with(0, Entry::new("portcullis-bundle.json", b"{\"format\": 1}\n")), "a bundle of another form than 1"),
    ];
    for (entries, expected) in cases {
        let found = refusal(&tar(entries));
        assert!(found.contains(expected), "expected: {expected}\nfound: {found}");
    }
}

/// A name that is put together of two fields would be another form of the same bundle.
#[test]
fn a_name_lies_in_one_field() {
    let mut entries = and(&[("0001.dsse.json", b"")]);
    entries[4].header.as_ustar_mut().unwrap().prefix[..10].copy_from_slice(b"statements");
    assert!(refusal(&tar(entries)).contains("'statements/0001.dsse.json': its header's field 'name'"));
}

#[test]
fn other_tars_are_refused() {
    let mut gnu = Header::new_gnu();
    gnu.set_path("portcullis-bundle.json").unwrap();
    let entry = Entry { header: gnu, content: Vec::new() };
    assert!(refusal(&tar(vec![entry.but(|header| header.set_size(0))])).contains("entry 1 is not of the ustar form"));
    assert!(refusal(b"\x1f\x8b\x08\0").contains("it is cut off: it ends within entry 1"));
    assert!(refusal(&[b'P'; 600]).contains("entry 1: its header's checksum is wrong"));
    assert!(refusal(b"").contains("it is cut off"));
}

#[test]
fn it_ends_where_it_ends() {
    let good = bytes(&release(&["one"], &[]));
    assert!(read(&good).is_ok());
    for more in [&b"x"[..], &EMPTY, &[0; 10_240]] {
        assert!(refusal(&[&good, more].concat()).contains("bytes follow its end"));
    }
    for end in (1..good.len()).step_by(37).chain([good.len() - BLOCK, good.len() - 1]) {
        let found = refusal(&good[..end]);
        assert!(found.contains("it is cut off: it ends within "), "{end}: {found}");
    }
    let padded = good.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut hidden = good.clone();
    hidden[padded + 7] = b'x';
    assert!(refusal(&hidden).contains("'statements/0001.dsse.json' is followed by bytes that belong to nothing"));
    let mut last = good.clone();
    *last.last_mut().unwrap() = 1;
    assert!(refusal(&last).contains("bytes follow its end"));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sparse.portcullis");
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let error = read_file(&path).unwrap_err().to_string();
    assert!(error.contains("sparse.portcullis is refused: a bundle of 1073741824 bytes; the most is "), "{error}");
    fs::write(&path, bytes(&release(&["one"], &[]))).unwrap();
    assert_eq!(read_file(&path).unwrap(), release(&["one"], &[]));
    let again = write_file(&path, b"x").unwrap_err().to_string();
    assert!(again.contains("exists already and is not overwritten"), "{again}");
    assert!(read_file(dir.path()).unwrap_err().to_string().contains("is not a regular file"));
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let error = |files: &ReleaseFiles| to_bytes(files).unwrap_err().to_string();
    let many = vec!["x"; MAX_STATEMENTS + 1];
    assert_eq!(error(&release(&many, &[])), "it holds more than 64 statements");
    assert!(to_bytes(&release(&many[1..], &[])).is_ok());
    let reports: Vec<Vec<u8>> = (0..=MAX_REPORTS).map(|number| number.to_string().into_bytes()).collect();
    let reports: Vec<&[u8]> = reports.iter().map(Vec::as_slice).collect();
    assert_eq!(error(&release(&[], &reports)), "it holds more than 16 reports");
    assert!(error(&release(&[], &[b"{}", b"{}"])).contains("is there twice"));
    assert!(error(&release(&[&"x".repeat(MAX_ENVELOPE + 1)], &[])).contains("the most is 65536"));
    let full = and(&(1..=MAX_STATEMENTS + 1).map(|_| ("statements/0001.dsse.json", &b""[..])).collect::<Vec<_>>());
    let mut full: Vec<Entry> = full;
    for (number, entry) in full.iter_mut().skip(4).enumerate() {
        *entry = Entry::new(&format!("statements/{:04}.dsse.json", number + 1), b"");
    }
    assert_eq!(refusal(&tar(full)), "it holds more than 64 statements");
}

/// Where the contents lie in a bundle; all else is form.
fn contents(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut at, mut found) = (0, Vec::new());
    while bytes[at] != 0 {
        let header = Header::from_byte_slice(&bytes[at..at + BLOCK]);
        let size = header.entry_size().unwrap() as usize;
        found.push(at + BLOCK..at + BLOCK + size);
        at += BLOCK + size + fill(size);
    }
    found
}

#[test]
fn every_bit_of_the_form_matters() {
    let good = bytes(&release(&["one"], &[b"{}"]));
    let contents = contents(&good);
    assert_eq!(contents.len(), 6);
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        match read(&changed) {
            Err(_) => {}
            Ok(files) => {
                assert!(contents.iter().any(|content| content.contains(&at)), "byte {at} is form, and was accepted");
                assert_eq!(bytes(&files), changed);
            }
        }
    }
}

proptest! {
    #[test]
    fn reads_what_it_writes(
        component in proptest::collection::vec(any::<u8>(), 0..1600),
        manifest in "\\PC{0,600}",
        statements in proptest::collection::vec("\\PC{0,40}", 0..5),
        reports in proptest::collection::btree_set(proptest::collection::vec(any::<u8>(), 0..40), 0..4),
    ) {
        let mut files = release(&[], &[]);
        files.stored.digest = Digest::of(&component);
        files.component = component.into();
        files.stored.manifest = manifest;
        files.statements = statements;
        files.reports = reports.into_iter().collect();
        files.reports.sort_by_key(|report| Digest::of(report));
        prop_assert_eq!(read(&bytes(&files)), Ok(files));
    }

    #[test]
    fn any_damage_is_answered(at in 0usize..6000, with in proptest::collection::vec(any::<u8>(), 1..600)) {
        let mut damaged = bytes(&release(&["one", "two"], &[b"{}"]));
        let end = (at + with.len()).min(damaged.len());
        damaged.splice(at.min(end)..end, with);
        if let Ok(files) = read(&damaged) {
            prop_assert_eq!(bytes(&files), damaged);
        }
    }
}
