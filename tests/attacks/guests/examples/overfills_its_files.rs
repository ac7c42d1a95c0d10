//! tries: to keep more in files than it may, in large files, in many empty ones and in directories
//! stands-for: INC-6, DAT-8
//! asks: files:read
//! asks: files:write bytes=64KiB
//! limit: host-calls=20000
//! limit: cpu-ms=10000
//! limit: wall-ms=60000
//! limit: memory-mib=32
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    fails("a file of 4 MiB and 1", files::write("large", &vec![0; 4 * 1024 * 1024 + 1]))?;
    limited("a file of 1 MiB", "files-bytes", files::write("large", &vec![0; 1024 * 1024]))?;
    works("a file of 32 KiB", files::write("a", &[0; 32_768]))?;
    limited("another of 48 KiB", "files-bytes", files::write("b", &[0; 49_152]))?;
    must(files::read("b").is_err(), "what did not fit is there all the same")?;
    for number in 0..5_000 {
        if let Err(error) = files::write(&format!("d{number}/e/f/g/h/i/j/k"), b"") {
            return limited("empty files in directories", "files-bytes", Err::<(), _>(error));
        }
    }
    Err(escaped("5,000 empty files in 40,000 directories within 64 KiB"))
});
