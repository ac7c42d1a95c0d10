//! What the rogue server answers, path by path.

use std::{future::pending, io, time::Duration};

use tokio::{io::AsyncWriteExt as _, time::sleep};

use crate::rogue::{Arrived, Stream, say};

/// How long the server stays silent between two bytes of a slow answer.
const SLOW: Duration = Duration::from_millis(100);

/// Answers one request. An error ends the connection.
pub async fn answer(stream: &mut Stream, request: &Arrived) -> io::Result<()> {
    let path = request.target().split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match parts.as_slice() {
        ["never"] => pending().await,
        ["slow-head"] => slowly(stream, "HTTP/1.1 200 OK\r\nx-slow: ", "s").await,
        ["slow-body"] => slowly(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", "s").await,
        ["packed", encoding] => packed(stream, encoding).await,
        ["redirect", status, to] => say(stream, redirect(status, to)).await,
        ["reflect", how] => reflect(stream, request, how).await,
        ["split", how] => split(stream, how).await,
        ["broken", how] => end(stream, broken(how)).await,
        ["cookies"] => {
            let head = "set-cookie: session=1\r\nset-cookie2: session=1\r\nconnection: keep-alive, x-listed\r\nx-listed: 1\r\n\
                        keep-alive: timeout=9\r\nproxy-authenticate: Basic";
            say(stream, with(head, "fine")).await
        }
        ["trailers"] => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-trailer, set-cookie\r\n\r\n";
            let tail = "4\r\nfine\r\n0\r\nx-trailer: 1\r\nset-cookie: session=1\r\nauthorization: Bearer 1\r\ncontent-length: 1\r\n\r\n";
            say(stream, format!("{head}{tail}")).await
        }
        [endless] if endless.starts_with("endless-") => without_end(stream, endless).await,
        _ => say(stream, with("x-a: 1", "fine")).await,
    }
}

fn with(head: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Says it and ends the connection.
async fn end(stream: &mut Stream, bytes: Vec<u8>) -> io::Result<()> {
    say(stream, bytes).await?;
    stream.shutdown().await?;
    Err(io::ErrorKind::ConnectionAborted.into())
}

async fn slowly(stream: &mut Stream, first: &str, then: &str) -> io::Result<()> {
    say(stream, first).await?;
    loop {
        sleep(SLOW).await;
        say(stream, then).await?;
    }
}

async fn without_end(stream: &mut Stream, what: &str) -> io::Result<()> {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let block = "x".repeat(0x4000);
    let (first, then) = match what {
        "endless-chunks" => (chunked.to_owned(), format!("4000\r\n{block}\r\n")),
        "endless-close" => ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), block),
        "endless-length" => ("HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n".to_owned(), block),
        "endless-headers" => ("HTTP/1.1 200 OK\r\n".to_owned(), "x-more: and more\r\n".repeat(100)),
        "endless-header" => ("HTTP/1.1 200 OK\r\nx-more: ".to_owned(), block),
        "endless-interim" => (String::new(), "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(100)),
        "endless-status" => ("HTTP/1.1 200 ".to_owned(), block),
        _ => (format!("{chunked}4;"), block),
    };
    say(stream, first).await?;
    loop {
        say(stream, &then).await?;
    }
}

/// 50 KiB that unpack to 9 MiB, whatever they are called.
async fn packed(stream: &mut Stream, encoding: &str) -> io::Result<()> {
    let bomb = bomb();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n", bomb.len());
    say(stream, [head.as_bytes(), &bomb].concat()).await
}

/// A gzip file of zeros: one literal, and then copies of 258 bytes from one byte before, in 13 bits each.
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let (mut held, mut count) = (0u32, 0);
    // The last block, with the fixed codes; the literal 0; the copies; the end.
    let codes = [(1u32, 1), (1, 2), (0b0000_1100, 8)].into_iter();
    let codes = codes.chain(std::iter::repeat_n((0b0_0000_1010_0011, 13), 36_000)).chain([(0, 7)]);
    for (code, length) in codes {
        held |= code << count;
        count += length;
        while count >= 8 {
            bytes.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    }
    bytes.push(held as u8);
    bytes.extend([0; 8]);
    bytes
}

fn redirect(status: &str, to: &str) -> String {
    let location = match to {
        "other" => "https://other.example.test/v1/elsewhere",
        "meta" => "https://169.254.169.254/latest/meta-data/",
        "scheme" => "http://api.example.test/v1/elsewhere",
        "path" => "https://api.example.test/v2/elsewhere",
        _ => "https://api.example.test/v1/elsewhere",
    };
    format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// Says the credential that came with the request.
async fn reflect(stream: &mut Stream, request: &Arrived, how: &str) -> io::Result<()> {
    let whole = request.all("authorization").join(" ");
    let secret = whole.trim_start_matches("Bearer ").to_owned();
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let body = match how {
        "header" => return say(stream, with(&format!("x-said: {whole}"), "fine")).await,
        "header-name" => return say(stream, with(&format!("x-{secret}: 1"), "fine")).await,
        "location" => return say(stream, with(&format!("location: https://x.example.test/?t={secret}"), "fine")).await,
        "status" => return say(stream, with("x-a: 1", "fine").replacen("OK", &secret, 1)).await,
        "chunks" => return in_chunks(stream, &secret).await,
        "writes" => return in_writes(stream, &secret).await,
        "long" => format!("{}{secret}{}{secret}", "x".repeat(65_530), "y".repeat(16_380)),
        "twice" => format!("{secret}{secret}"),
        "upper" => secret.to_ascii_uppercase(),
        "json" => format!("{{\"token\":\"{secret}\"}}"),
        "base64" => base64(bytes),
        "base64-1" => base64(format!("u{secret}").as_bytes()),
        "base64-2" => base64(format!("us{secret}").as_bytes()),
        "basic" => base64(format!("user:{secret}:more").as_bytes()),
        "hex" => hex,
        "hex-upper" => hex.to_ascii_uppercase(),
        "percent" => bytes.iter().map(|byte| format!("%{byte:02X}")).collect(),
        _ => whole,
    };
    say(stream, with("x-a: 1", &format!("said: {body}"))).await
}

async fn in_chunks(stream: &mut Stream, secret: &str) -> io::Result<()> {
    say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    for letter in format!("said: {secret} and more").chars() {
        say(stream, format!("1\r\n{letter}\r\n")).await?;
    }
    say(stream, "0\r\n\r\n").await
}

async fn in_writes(stream: &mut Stream, secret: &str) -> io::Result<()> {
    let body = format!("said: {secret} and more");
    say(stream, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len())).await?;
    for letter in body.bytes() {
        say(stream, [letter]).await?;
        sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let letters = (0..4).map(|at| LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char);
        text.extend(letters.take(group.len() + 1));
        text.push_str(&"=".repeat(3 - group.len()));
    }
    text
}

/// Answers that end in two places, by whom one asks.
async fn split(stream: &mut Stream, how: &str) -> io::Result<()> {
    let smuggled = "HTTP/1.1 200 OK\r\nx-smuggled: 1\r\ncontent-length: 8\r\n\r\nsmuggled";
    let ok = "HTTP/1.1 200 OK\r\n";
    let bytes = match how {
        "two-lengths" => format!("{ok}content-length: 4\r\ncontent-length: 40\r\n\r\nfine{smuggled}"),
        "length-list" => format!("{ok}content-length: 4, 40\r\n\r\nfine{smuggled}"),
        "length-and-chunks" => {
            format!("{ok}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}")
        }
        "chunks-and-length" => {
            format!("{ok}transfer-encoding: chunked\r\ncontent-length: 100\r\n\r\n4\r\nfine\r\n0\r\n\r\n{smuggled}")
        }
        "length-sign" => format!("{ok}content-length: +4\r\n\r\nfine{smuggled}"),
        "length-hex" => format!("{ok}content-length: 0x4\r\n\r\nfine{smuggled}"),
        "two-encodings" => format!(
            "{ok}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n4\r\nfine\r\n0\r\n\r\n{smuggled}"
        ),
        "chunk-size" => {
            format!("{ok}transfer-encoding: chunked\r\n\r\nfffffffffffffff4\r\nfine\r\n0\r\n\r\n{smuggled}")
        }
        "body-of-204" => format!("HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nfine{smuggled}"),
        "too-short" => return end(stream, format!("{ok}content-length: 400\r\n\r\nfine").into_bytes()).await,
        "later" => {
            say(stream, format!("{ok}content-length: 4\r\n\r\nfine")).await?;
            sleep(Duration::from_millis(50)).await;
            smuggled.to_owned()
        }
        _ => format!("{ok}content-length: 4\r\n\r\nfine{smuggled}"),
    };
    say(stream, bytes).await
}

fn broken(how: &str) -> Vec<u8> {
    let ok = "HTTP/1.1 200 OK\r\n";
    let body = "content-length: 4\r\n\r\nfine";
    let text = match how {
        "junk" => "\u{1}\u{2}\u{3} no HTTP at all \r\n\r\n".to_owned(),
        "half" => "HTTP/1.1 200 OK\r\ncontent-".to_owned(),
        "null-in-header" => format!("{ok}x-a: 1\02\r\n{body}"),
        "bare-cr" => format!("{ok}x-a: 1\rx-b: 2\r\n{body}"),
        "folded" => format!("{ok}x-a: 1\r\n x-b: 2\r\n{body}"),
        "space-name" => format!("{ok}x a : 1\r\n{body}"),
        "other-version" => format!("HTTP/9.9 200 OK\r\n{body}"),
        "upgrade" => {
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nPRI * HTTP/2.0\r\n\r\n"
                .to_owned()
        }
        "status-0" => format!("HTTP/1.1 000 OK\r\n{body}"),
        "status-999" => format!("HTTP/1.1 999 OK\r\n{body}"),
        "high-bytes" => return [ok.as_bytes(), b"x-a: \xff\xfe\xc0\x80\x9b\r\n", body.as_bytes()].concat(),
        "reason" => format!("HTTP/1.1 200 \u{1b}[2J\r\n{body}"),
        "ftp" => "220 ftp.example.test ready\r\n".to_owned(),
        "tls" => "\u{16}\u{3}\u{1}\0\u{5}hello".to_owned(),
        _ => String::new(),
    };
    text.into_bytes()
}
