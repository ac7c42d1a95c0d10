//! Every guest, run by the real host, and what its own first lines say must happen.
//!
//! A guest that is not run does not compile: below, each name must be that of a test.

mod acts;
mod endings;
mod http;
mod limits;
mod logs;
mod storage;

use acts::*;
use endings::*;
use http::*;
use limits::*;
use logs::*;
use storage::*;

macro_rules! is_run {
    ($name:ident) => {
        #[expect(unused_imports, reason = "only to see that there is a test of this name")]
        use self::$name as _;
    };
}

portcullis_e2e::every_guest!(is_run);
