//! Paths as WASI has them, made into ours.

use portcullis_model::files::{MAX_PART, MAX_PARTS, Path};
use portcullis_runtime::wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// Where a path leads from a directory. There are no links, so `..` is the name before it.
pub fn resolve(from: &Path, path: &str) -> Result<Path, ErrorCode> {
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    if path.starts_with('/') {
        return Err(ErrorCode::NotPermitted);
    }
    let base = from.parts().len();
    let mut parts: Vec<&str> = from.parts().iter().map(String::as_str).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // A directory's descriptor is no way to what is beside it.
            ".." if parts.len() == base => return Err(ErrorCode::NotPermitted),
            ".." => drop(parts.pop()),
            name if name.len() > MAX_PART => return Err(ErrorCode::NameTooLong),
            name => parts.push(name),
        }
    }
    if parts.len() > MAX_PARTS {
        return Err(ErrorCode::NameTooLong);
    }
    Path::parse(&parts.join("/")).map_err(|_| ErrorCode::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_where_it_says_and_never_out() {
        let from = Path::parse("a/b").unwrap();
        for (path, leads) in [
            (".", Ok("a/b")),
            ("c", Ok("a/b/c")),
            ("c/", Ok("a/b/c")),
            ("./c//d/.", Ok("a/b/c/d")),
            ("c/../d", Ok("a/b/d")),
            ("c/..", Ok("a/b")),
            ("...", Ok("a/b/...")),
            ("", Err(ErrorCode::NoEntry)),
            ("/", Err(ErrorCode::NotPermitted)),
            ("/a/b/c", Err(ErrorCode::NotPermitted)),
            ("..", Err(ErrorCode::NotPermitted)),
            ("../b/c", Err(ErrorCode::NotPermitted)),
            ("c/../../b", Err(ErrorCode::NotPermitted)),
            ("c\\..\\d", Err(ErrorCode::Invalid)),
            ("c\0", Err(ErrorCode::Invalid)),
            ("c\n", Err(ErrorCode::Invalid)),
            ("1/2/3/4/5/6/7", Err(ErrorCode::NameTooLong)),
            ("1/2/3/4/5/6", Ok("a/b/1/2/3/4/5/6")),
        ] {
            assert_eq!(resolve(&from, path).map(|path| path.to_string()), leads.map(str::to_owned), "{path:?}");
        }
        assert_eq!(resolve(&from, &"x".repeat(MAX_PART + 1)), Err(ErrorCode::NameTooLong));
        assert_eq!(resolve(&Path::default(), "..").unwrap_err(), ErrorCode::NotPermitted);
    }
}
