//! Built for `wasm32-wasip2`: uses `/` as a program does that knows nothing of this host, and prints what came of it, a fact a
//! line. What it may do must work as on a disk; what cannot be done at once, links, and paths that lead out must be refused.

#![forbid(unsafe_code)]

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
};

use portcullis_sdk::prelude::*;
use wasip2::filesystem::{
    preopens::get_directories,
    types::{DescriptorFlags, ErrorCode, OpenFlags, PathFlags},
};

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let is = |what: &str| event.data.contains(what);
        match () {
            () if is("works") => say("works", works()),
            () if is("leaves") => leaves(),
            () if is("looks") => looks(),
            () if is("escapes") => escapes(),
            () if is("fills") => fills(),
            () if is("only writes") => only_writes(),
            () if is("hoards") => hoards(),
            () => println!("nothing to do: {}", event.data),
        }
        Ok(())
    }
}

fn say<T: std::fmt::Debug>(what: &str, result: io::Result<T>) {
    match result {
        Ok(value) => println!("{what}: {value:?}"),
        Err(error) => println!("{what}: failed: {:?}", error.kind()),
    }
}

fn names(path: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(path)?;
    let mut names: Vec<String> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

fn works() -> io::Result<()> {
    println!("at first: {:?}", names("/")?);
    fs::create_dir_all("/a/b")?;
    say("again", fs::create_dir("/a"));
    fs::write("/a/b/file.txt", "hello")?;
    println!("read: {}", fs::read_to_string("a/b/../b/./file.txt")?);
    let mut file = OpenOptions::new().read(true).write(true).open("/a/b/file.txt")?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(b", world")?;
    file.seek(SeekFrom::Start(1))?;
    file.write_all(b"E")?;
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    println!("changed: {text}");
    println!("before the sync: {}", fs::read_to_string("/a/b/file.txt")?);
    file.sync_all()?;
    println!("after the sync: {}", fs::read_to_string("/a/b/file.txt")?);
    drop(file);
    writeln!(OpenOptions::new().append(true).open("/a/b/file.txt")?, "!")?;
    println!("appended: {:?}", fs::read_to_string("/a/b/file.txt")?);
    OpenOptions::new().write(true).open("/a/b/file.txt")?.set_len(2)?;
    let meta = fs::metadata("/a/b/file.txt")?;
    println!("cut: {} {} {}", meta.len(), meta.is_file(), fs::metadata("/a")?.is_dir());
    File::create("/a/empty")?;
    println!("listed: {:?} {:?} {:?}", names("/")?, names("/a")?, names("/a/b")?);
    say("exclusive", File::create_new("/a/empty").map(drop));
    say("a directory", fs::write("/a/b", "x"));
    say("a file before", fs::write("/a/empty/x", "x"));
    say("a file as a directory", names("/a/empty"));
    say("nothing", fs::read("/a/nothing"));
    say("rename", fs::rename("/a/empty", "/a/full"));
    say("not empty", fs::remove_dir("/a"));
    say("unlink a directory", fs::remove_file("/a/b"));
    say("rmdir a file", fs::remove_dir("/a/empty"));
    fs::copy("/a/b/file.txt", "/copy")?;
    fs::remove_dir_all("/a")?;
    println!("at last: {:?}", names("/")?);
    fs::remove_file("/copy")
}

/// Leaves files open when it ends badly, and when it ends well.
fn leaves() {
    drop(fs::write("/kept", "old"));
    let mut file = File::create("/kept").unwrap_or_else(|error| panic!("{error}"));
    drop(file.write_all(b"never written"));
    panic!("on purpose, with a file open");
}

fn looks() {
    say("kept", fs::read_to_string("/kept"));
    say("names", names("/"));
}

fn escapes() {
    for path in ["/../x", "../../etc/passwd", "/a/../../x", "/proc/self/environ", "/etc/passwd"] {
        let tried = (fs::read(path).is_ok(), names(path).is_ok());
        println!("read {path}: {tried:?}");
    }
    let Some((root, name)) = get_directories().pop() else { return println!("no directory") };
    println!("preopened: {name}");
    let open = |path: &str| {
        let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
        root.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::CREATE, flags).map(drop)
    };
    for path in ["..", "../x", "/etc/passwd", "a/../../x", "a\\..\\x", "a\u{1}", "", "."] {
        println!("open {path:?}: {:?}", open(path));
    }
    println!("long: {:?}", open(&"x".repeat(129)));
    println!("deep: {:?}", open("1/2/3/4/5/6/7/8/9"));
    println!("symlink: {:?}", root.symlink_at("/etc/passwd", "link"));
    println!("link: {:?}", root.link_at(PathFlags::empty(), "a", &root, "b"));
    println!("readlink: {:?}", root.readlink_at("link"));
    println!("remove root: {:?}", root.remove_directory_at("."));
    let below = root
        .create_directory_at("below")
        .and_then(|()| root.open_at(PathFlags::empty(), "below", OpenFlags::DIRECTORY, DescriptorFlags::READ));
    match below {
        Ok(below) => println!("beside: {:?}", below.stat_at(PathFlags::empty(), "../below")),
        Err(error) => println!("below: {error:?}"),
    }
}

/// With a quota of 64 KiB.
fn fills() {
    let mut file = match File::create("/large") {
        Ok(file) => file,
        Err(error) => return println!("create: {error}"),
    };
    let block = [b'x'; 1024];
    let written = (0..128).take_while(|_| file.write_all(&block).is_ok()).count();
    println!("kib: {written}");
    say("sync", file.sync_all());
    say("more", file.write_all(&block));
    say(
        "another",
        File::create("/other").and_then(|mut other| {
            other.write_all(&block)?;
            other.sync_all()
        }),
    );
    say("at closing", fs::write("/closed", block));
    say("closed", fs::read("/closed"));
}

fn only_writes() {
    say("write", fs::write("/blind", "x"));
    say("read", fs::read("/blind"));
    say("append", OpenOptions::new().append(true).open("/blind").map(drop));
    say("list", names("/"));
    say("stat", fs::metadata("/blind").map(|meta| meta.len()));
    say("remove", fs::remove_file("/blind"));
}

/// Holds more open than a call may, and then opens as often as it can.
fn hoards() {
    let mut open = Vec::new();
    for n in 0..8 {
        let file = File::create(format!("/hoard-{n}")).and_then(|file| file.set_len(4 * 1024 * 1024).map(|()| file));
        match file {
            Ok(file) => open.push(file),
            Err(error) => {
                println!("full after {}: {:?}", open.len(), error.kind());
                break;
            }
        }
    }
    say("too large", File::create("/larger").and_then(|file| file.set_len(4 * 1024 * 1024 + 1)));
    let Some((root, _)) = get_directories().pop() else { return };
    let one = || root.open_at(PathFlags::empty(), ".", OpenFlags::DIRECTORY, DescriptorFlags::READ);
    let all: Result<Vec<_>, ErrorCode> = (0..100_000).map(|_| one()).collect();
    println!("opened {:?}", all.map(|all| all.len()));
}

portcullis_sdk::export!(Guest: Events);
