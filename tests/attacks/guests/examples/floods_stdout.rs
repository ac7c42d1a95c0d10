//! tries: to fill the host's standard output, and to forge lines in it
//! stands-for: INC-6, MON-1
//! limit: log-kib=4
//! limit: cpu-ms=5000
//! limit: host-calls=20000
//! expect: ok
//! afterwards: logs

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:cli/stdout@0.2.0; import wasi:cli/stderr@0.2.0; }
        package wasi:io@0.2.0 {
            interface error { resource error; }
            interface streams {
                use error.{error};
                variant stream-error { last-operation-failed(error), closed }
                resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
            }
        }
        package wasi:cli@0.2.0 {
            interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
            interface stderr { use wasi:io/streams@0.2.0.{output-stream}; get-stderr: func() -> output-stream; }
        }
    ",
    generate_all,
});

use wasi::cli::{stderr, stdout};

attack!(|_| {
    let (out, err) = (stdout::get_stdout(), stderr::get_stderr());
    for _ in 0..500 {
        let _ = out.blocking_write_and_flush(&[b'x'; 4096]);
        let _ = err.blocking_write_and_flush(b"\x1b[2J\r{\"level\":\"error\"}\n\xff\xfe\0\xe2\x80\xae\n");
    }
    Ok(())
});
