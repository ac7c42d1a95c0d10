use std::str::FromStr as _;

use auditable_serde::VersionInfo;
use miniz_oxide::deflate::compress_to_vec_zlib;

use super::*;
use crate::inspect::Inspection;

const INFO: &str = r#"{"packages":[
    {"name":"adler2","version":"2.0.1","source":"crates.io"},
    {"name":"cc","version":"1.2.0","source":"crates.io","kind":"build"},
    {"name":"forked","version":"0.3.0","source":"git","dependencies":[0]},
    {"name":"my-plugin","version":"0.1.0","source":"local","dependencies":[2,1,0],"root":true}
]}"#;

fn section(data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![7];
    bytes.extend(SECTION.as_bytes());
    bytes.extend(data);
    let mut length = bytes.len();
    let mut whole = vec![0];
    loop {
        whole.push(u8::try_from(length & 0x7f).unwrap() | if length > 0x7f { 0x80 } else { 0 });
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    whole.extend(bytes);
    whole
}

fn with(data: &[u8]) -> Inspection {
    let mut component = wat::parse_str("(component)").unwrap();
    component.extend(section(data));
    Inspection::of(&component).unwrap()
}

fn names(found: &Inspection) -> Vec<String> {
    let version = |one: &Dependency| one.version.clone().unwrap_or_else(|| "?".into());
    found.dependencies.iter().map(|one| format!("{} {} {}", one.ecosystem.name(), one.name, version(one))).collect()
}

#[test]
fn reads_what_cargo_auditable_writes() {
    let info = VersionInfo::from_str(INFO).unwrap();
    let found = with(&compressed(&info).unwrap());
    assert_eq!(
        names(&found),
        ["crates.io adler2 2.0.1", "crates.io cc 1.2.0", "crates.io forked 0.3.0", "crates.io my-plugin 0.1.0"]
    );
    let [adler, cc, forked, plugin] = &found.dependencies[..] else { panic!() };
    assert_eq!((adler.source, forked.source, plugin.source), (Source::Registry, Source::Git, Source::Local));
    assert_eq!((cc.build_only, plugin.build_only, plugin.root), (true, false, true));
    assert_eq!((forked.needs.clone(), plugin.needs.clone()), (vec![0], vec![0, 1, 2]));
    assert_eq!(found.dependency_notes, Vec::<String>::new());
    assert_eq!(compressed(&info).unwrap(), compressed(&info).unwrap());
}

#[test]
fn a_module_inside_may_have_its_own_and_the_same_list_counts_once() {
    let data = compressed(&VersionInfo::from_str(INFO).unwrap()).unwrap();
    let other = r#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io"},
        {"name":"b","version":"1.0.0","source":"registry","dependencies":[0],"root":true}]}"#;
    let other = compressed(&VersionInfo::from_str(other).unwrap()).unwrap();
    let mut component = wat::parse_str("(component)").unwrap();
    for data in [&data, &data, &other] {
        component.extend(section(data));
    }
    let found = Inspection::of(&component).unwrap();
    assert_eq!(found.dependencies.len(), 6);
    assert_eq!((found.dependencies[5].needs.clone(), found.dependencies[5].source), (vec![4], Source::OtherRegistry));
}

#[test]
fn what_cannot_be_read_is_said() {
    let note = |data: &[u8]| {
        let found = with(data);
        assert!(found.dependencies.is_empty());
        found.dependency_notes.join("; ")
    };
    assert_eq!(note(b"not zlib"), "the section .dep-v0 cannot be read: it is not compressed by zlib");
    let bomb = compress_to_vec_zlib(&vec![b' '; 9 * 1024 * 1024], 9);
    assert!(bomb.len() < 10_000);
    assert!(note(&bomb).contains("more than 8388608 bytes when it is inflated"));
    assert!(note(&compress_to_vec_zlib(b"[]", 1)).contains("cannot be read: "));
    let astray = br#"{"packages":[{"name":"a\u001b","version":"1.0.0","source":"local","dependencies":[1]}]}"#;
    assert!(note(&compress_to_vec_zlib(astray, 1)).contains("'a\\u{1b}' needs number 1 of 1 packages"));
    let package = r#"{"name":"a","version":"1.0.0","source":"local"}"#;
    let many = format!(r#"{{"packages":[{}]}}"#, [package; MAX_DEPENDENCIES + 1].join(","));
    assert!(note(&compress_to_vec_zlib(many.as_bytes(), 1)).contains("more than 5000 dependencies"));
}

fn in_data(text: &str) -> Inspection {
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!("(component (core module (memory 1) (data \"{escaped}\")))");
    Inspection::of(&wat::parse_str(module).unwrap()).unwrap()
}

#[test]
fn javascript_leaves_paths_and_lock_files() {
    let found = in_data(
        r#"// node_modules/lodash/lodash.js "node_modules/@scope/pkg/x.js" node_modules/.pnpm/left-pad@1.3.0/node_modules/left-pad/i.js
           // node_modules/.pnpm/@babel+core@7.26.0_x@1/node_modules/@babel/core/lib.js
           {"node_modules/nanoid": {"version": "5.0.9", "resolved": "x"}, "node_modules/a/node_modules/nanoid":{"version":"3.3.8"}}
           node_modules/ node_modules/@x node_modules/../x"#,
    );
    assert_eq!(
        names(&found),
        [
            "npm @babel/core 7.26.0",
            "npm @scope/pkg ?",
            "npm left-pad 1.3.0",
            "npm lodash ?",
            "npm nanoid 3.3.8",
            "npm nanoid 5.0.9",
        ]
    );
    assert_eq!(found.dependencies[5].evidence, Evidence::LockFile);
}

#[test]
fn python_leaves_metadata_and_directories() {
    let found = in_data(
        "Metadata-Version: 2.1\nName: Flask_Login\r\nVersion: 0.6.3\nSummary: x\n\nVersion: 9\0/urllib3-2.2.1.dist-info/RECORD\0\
         x y-1.dist-info Metadata-Version: 2.4\n\nName: late\nVersion: 1\n\0-1.dist-info\0no.dist-info",
    );
    assert_eq!(names(&found), ["PyPI flask-login 0.6.3", "PyPI urllib3 2.2.1"]);
}
