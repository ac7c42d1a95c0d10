//! Witnesses as second processes, one that somebody else wrote (aics-witness) and one on Go's packages: each cosigns what continues,
//! and nothing else.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use portcullis_audit::{Answer, Cosigned, Log, Publisher, WitnessKey, add_checkpoint, answer, put_cosigned};

use crate::{
    GO_WITNESS, python,
    world::{World, body, key, whose},
};

struct Witness {
    process: Child,
    address: String,
    key: WitnessKey,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn run(dir: &Path, arguments: &[&str]) -> String {
    let output = python("aics-witness").unwrap().args(arguments).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", crate::text(&output));
    String::from_utf8(output.stdout).unwrap()
}

impl Witness {
    /// The one on Go's packages, with trust in this log.
    fn go(vkey: &str) -> Self {
        let mut serve = Command::new(&*GO_WITNESS);
        let mut process = serve.args(["witness.example/go", vkey]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut line = || said.next().unwrap().unwrap();
        Self { key: WitnessKey::parse(&line()).unwrap(), address: line(), process }
    }

    /// aics-witness, with trust in this log. None where it is not on the machine.
    fn aics(dir: &Path, origin: &str, vkey: &str) -> Option<Self> {
        let mut serve: Command = python("aics-witness")?;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let said = run(dir, &["init", "--name", "witness.example/w1", "--listen", &free]);
        let key = said.lines().find_map(|line| WitnessKey::parse(line.trim()).ok()).unwrap();
        run(dir, &["add-log", "--origin", origin, "--vkey", vkey]);
        let serve = serve.arg("serve").current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
        let witness = Self { process: serve.spawn().unwrap(), address: free, key };
        for _ in 0..200 {
            if TcpStream::connect(&witness.address).is_ok() {
                return Some(witness);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the witness does not listen");
    }

    fn post(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut reader = BufReader::new(stream);
        let (mut line, mut status) = (String::new(), None);
        while reader.read_line(&mut line).unwrap() > 2 {
            status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
            line.clear();
        }
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        (status.unwrap(), rest)
    }

    fn ask(&self, log: &Log, older: u64) -> Answer {
        let (status, body) = self.post(&add_checkpoint(log, older).unwrap());
        answer(&self.key, log.head(), now(), status, &body)
    }
}

#[expect(clippy::disallowed_methods, reason = "the witness's clock is the machine's")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn go_cosigns_what_continues_and_nothing_else() {
    let world = World::new();
    cosigns(&world, &Witness::go(&world.vkey()));
}

#[test]
fn aics_witness_cosigns_what_continues_and_nothing_else() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    if let Some(witness) = Witness::aics(dir.path(), world.verifier().origin(), &world.vkey()) {
        cosigns(&world, &witness);
    }
}

fn cosigns(world: &World, witness: &Witness) {
    let (keys, witnesses) = ([world.verifier()], [witness.key.clone()]);
    let log = Log::open(&world.log(), &world.verifier()).unwrap();
    let Answer::Cosigned(line) = witness.ask(&log, 0) else { panic!("not cosigned") };
    put_cosigned(&world.log(), log.head(), &[line]).unwrap();
    assert_eq!(Cosigned::read(&world.log(), &keys, &witnesses, 1).unwrap().size, 700);
    assert!(matches!(witness.ask(&log, 700), Answer::Cosigned(_)), "the same again");
    assert_eq!(witness.ask(&log, 0), Answer::Knows(700));

    let mut publisher = Publisher::open(&world.log(), key()).unwrap();
    publisher.append(&[b"{}".to_vec()]).unwrap();
    let log = Log::open(&world.log(), &world.verifier()).unwrap();
    assert_eq!(witness.ask(&log, 3), Answer::Knows(700));
    let Answer::Cosigned(line) = witness.ask(&log, 700) else { panic!("not cosigned") };
    put_cosigned(&world.log(), log.head(), &[line]).unwrap();
    assert_eq!(Cosigned::read(&world.log(), &keys, &witnesses, 1).unwrap().size, 701);

    // The same key, told differently.
    let fork = World::with(whose, |index| if index == 5 { b"another".to_vec() } else { body(index) });
    Publisher::open(&fork.log(), key()).unwrap().append(&[b"{}".to_vec(), b"{}".to_vec()]).unwrap();
    let forked = Log::open(&fork.log(), &world.verifier()).unwrap();
    assert!(matches!(witness.ask(&forked, 701), Answer::Refused(_)));
    let copied = fork.log().join("cosigned");
    std::fs::copy(world.log().join("cosigned"), copied).unwrap();
    assert!(Cosigned::read(&fork.log(), &keys, &witnesses, 1).is_err(), "what was cosigned is of another log");
    let older = Log::at(
        &world.log(),
        portcullis_audit::Checkpoint::open(&std::fs::read(&world.older[1]).unwrap(), &keys[0]).unwrap(),
    );
    assert!(matches!(witness.ask(&older, 0), Answer::Refused(_)), "a rollback");
}
