//! Every guest, run by the real host, and what its own first lines say must happen.
//!
//! A guest that is not run does not compile: below, each name must be that of a test.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod acts;
mod attachments;
mod endings;
mod http;
mod limits;
mod logs;
mod privacy;
mod projection;
mod storage;
mod wasi_files;

use acts::*;
use attachments::*;
use endings::*;
use http::*;
use limits::*;
use logs::*;
use privacy::*;
use projection::*;
use storage::*;

macro_rules! is_run {
    ($name:ident) => {
        #[expect(unused_imports, reason = "only to see that there is a test of this name")]
        use self::$name as _;
    };
}

portcullis_e2e::every_guest!(is_run);
