//! What is done to the component, the manifest and what the publisher signed.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_model::{id::Digest, release::StoredRelease};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    manifest::Manifest,
    statement::{Release, Statement},
};
use serde_json::{Value, json};

use crate::{
    Row, row,
    testing::{self, importing},
    world::{
        OTHER_PUBLISHER, PUBLISHER, SECOND_PUBLISHER, STRANGER, World, approval, id_of, key, manifest_of, release,
        signed,
    },
};

/// Changes the component's row, and fetches it.
fn component(world: &World, change: impl FnOnce(&mut Vec<u8>)) -> Option<String> {
    world.rewrite(&world.id(), |_, component| {
        let mut bytes = component.to_vec();
        change(&mut bytes);
        *component = bytes.into();
    });
    world.fetch()
}

/// Installs another component, which the publisher did sign.
fn honest(world: &World, bytes: Vec<u8>) -> Option<String> {
    world.install(|files| {
        files.stored = release(&bytes, testing::MANIFEST, &[PUBLISHER]);
        files.statements = vec![];
        for by in [20, 21] {
            let text = Statement::about(&files.stored.id(), approval()).signed(&key(by)).unwrap().to_json();
            files.statements.push(text);
        }
        files.component = bytes.into();
    })
}

pub const COMPONENT: &[Row] = &[
    row("a byte of the stored component flipped", "component digest mismatch", |world| {
        component(world, |bytes| bytes[100] ^= 1)
    }),
    row("the stored component cut short by a byte", "component digest mismatch", |world| {
        component(world, |bytes| {
            bytes.pop();
        })
    }),
    row("a byte added after the stored component", "component digest mismatch", |world| {
        component(world, |bytes| bytes.push(0))
    }),
    row("another component in its place", "component digest mismatch", |world| {
        component(world, |bytes| *bytes = importing(&[]))
    }),
    row("nothing in its place", "is not in the registry", |world| {
        world.memory.releases.lock().unwrap().clear();
        world.fetch()
    }),
    row("another component handed over than was signed", "component digest mismatch", |world| {
        world.install(|files| files.component = importing(&[]).into())
    }),
    row("another component handed over, under its own digest", "component digest mismatch", |world| {
        world.install(|files| {
            files.component = importing(&[]).into();
            files.stored.digest = Digest::of(&files.component);
        })
    }),
    row(
        "a component that imports what its manifest does not ask for, signed by its publisher",
        "asks for no scope of it",
        |world| {
            let unasked = testing::MANIFEST.replace("tickets:read fields=comments", "http:send to=other.test");
            world.install(|files| {
                files.stored = release(&files.component, &unasked, &[PUBLISHER]);
                for by in [20, 21] {
                    let text = Statement::about(&files.stored.id(), approval()).signed(&key(by)).unwrap().to_json();
                    files.statements.push(text);
                }
            })
        },
    ),
    row("a component that imports sockets, signed by its publisher", "which this host does not offer", |world| {
        honest(world, importing(&["wasi:sockets/tcp@0.2.0"]))
    }),
    row(
        "a component that imports an interface of ours that there is not",
        "which this host has no capability or function for",
        |world| honest(world, importing(&["portcullis:plugin/shell@0.1.0"])),
    ),
    row("something that is no component, signed by its publisher", "not a component", |world| {
        honest(world, b"\0asm\x01\0\0\0".to_vec())
    }),
];

/// Installs with this in place of a part of the manifest.
fn manifest(world: &World, from: &str, to: &str) -> Option<String> {
    assert!(testing::MANIFEST.contains(from), "{from}");
    world.install(|files| files.stored.manifest = files.stored.manifest.replacen(from, to, 1))
}

pub const MANIFEST: &[Row] = &[
    row("a wider scope in the stored manifest", "manifest digest mismatch", |world| {
        world.rewrite(&world.id(), |stored, _| {
            stored.manifest = stored.manifest.replace("fields=comments", "fields=comments,subject")
        });
        world.load()
    }),
    row("a wider scope in the manifest that is handed over", "manifest digest mismatch", |world| {
        manifest(world, "fields=comments", "fields=comments,subject")
    }),
    row("one space more in it", "manifest digest mismatch", |world| manifest(world, "name = ", "name =  ")),
    row("another version in it", "version mismatch: 1.2.0 was signed, this is 9.9.9", |world| {
        manifest(world, "version = \"1.2.0\"", "version = \"9.9.9\"")
    }),
    row("a higher release number in it", "release number mismatch: 3 was signed, this is 30", |world| {
        manifest(world, "release = 3", "release = 30")
    }),
    row("another plugin's id in it", "plugin id mismatch", |world| {
        manifest(world, "com.example.card-guard", "com.example.other")
    }),
    row("the id of somebody else's plugin in it", "lets nobody publish 'org.other.card-guard'", |world| {
        let theirs = testing::MANIFEST.replace("com.example.card-guard", "org.other.card-guard");
        let theirs = theirs.replace("publisher = \"com.example\"", "publisher = \"org.other\"");
        world.install(|files| files.stored = release(&files.component, &theirs, &[PUBLISHER]))
    }),
    row(
        "an id outside of its publisher's, signed by the publisher",
        "must begin with the publisher and a dot",
        |world| manifest(world, "id = \"com.example.card-guard\"", "id = \"com.examples.card-guard\""),
    ),
    row(
        "the name of the publisher one level up, signed by a team of theirs",
        "names the publisher 'com.example'",
        |world| {
            let theirs = world.next(|root| {
                root.publishers.as_mut().unwrap()[0].prefix = "com.example.team".parse().unwrap();
            });
            assert_eq!(world.put_root(&theirs, &[1]), None);
            let text = testing::MANIFEST.replace("com.example.card-guard", "com.example.team.card-guard");
            world.install(|files| files.stored = release(&files.component, &text, &[PUBLISHER]))
        },
    ),
    row("a key that this host does not know", "unknown", |world| manifest(world, "name = ", "trusted = true\nname = ")),
    row("64 KiB and a byte of it", "the most is 65536", |world| {
        world.install(|files| files.stored.manifest = "#".repeat(65_537))
    }),
    row("the manifest of the older release, with the newer one's envelope", "mismatch", |world| {
        world.install(|files| files.stored.manifest = manifest_of(2))
    }),
    row("the same component and envelope under another release's row", "mismatch", |world| {
        world.rewrite(&world.older(), |stored, _| stored.envelope = world.stored.envelope.clone());
        world.load_of(&world.older())
    }),
];

/// Loads with this done to the JSON of the stored envelope.
fn envelope(world: &World, change: impl FnOnce(&mut Value)) -> Option<String> {
    let mut json: Value = serde_json::from_str(&world.stored.envelope).unwrap();
    change(&mut json);
    put(world, json.to_string())
}

fn put(world: &World, envelope: String) -> Option<String> {
    world.rewrite(&world.id(), |stored, _| stored.envelope = envelope);
    world.load()
}

/// Changes bytes behind base64.
fn bytes(text: &mut Value, change: impl FnOnce(&mut Vec<u8>)) {
    let mut decoded = STANDARD.decode(text.as_str().unwrap()).unwrap();
    change(&mut decoded);
    *text = Value::String(STANDARD.encode(decoded));
}

/// The group's order, little-endian: S + L in place of S is the same signature to a lenient verifier.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn add_order(signature: &mut [u8]) {
    let mut carry = 0u16;
    for (byte, add) in signature[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

pub const ENVELOPE: &[Row] = &[
    row("a byte of the payload flipped", "the payload or the signature was changed", |world| {
        envelope(world, |json| bytes(&mut json["payload"], |payload| payload[40] ^= 1))
    }),
    row("a byte of the signature flipped", "the payload or the signature was changed", |world| {
        envelope(world, |json| bytes(&mut json["signatures"][0]["sig"], |signature| signature[5] ^= 1))
    }),
    row("the signature with another S that a lenient verifier takes", "does not verify", |world| {
        envelope(world, |json| bytes(&mut json["signatures"][0]["sig"], |signature| add_order(signature)))
    }),
    row("the signature cut short", "does not verify", |world| {
        envelope(world, |json| bytes(&mut json["signatures"][0]["sig"], |signature| signature.truncate(63)))
    }),
    row("no signature", "has 0 signatures", |world| envelope(world, |json| json["signatures"] = json!([]))),
    row("seventeen signatures", "has 17 signatures", |world| {
        envelope(world, |json| json["signatures"] = json!(vec![json["signatures"][0].clone(); 17]))
    }),
    row("a stranger's signature", "does not verify with any trusted key of publisher com.example", |world| {
        put(world, release(&world.component, testing::MANIFEST, &[STRANGER]).envelope)
    }),
    row("a stranger's signature under the publisher's key id", "does not verify with any trusted key", |world| {
        let text = release(&world.component, testing::MANIFEST, &[STRANGER]).envelope;
        put(world, text.replace(&id_of(STRANGER), &id_of(PUBLISHER)))
    }),
    row("another payload type over the same signature", "payloadType is", |world| {
        envelope(world, |json| json["payloadType"] = json!("application/vnd.portcullis.root.v1+json"))
    }),
    row("the payload twice in one envelope", "duplicate field `payload`", |world| {
        put(world, world.stored.envelope.replacen('{', "{\"payload\":\"\",", 1))
    }),
    row("64 KiB and a byte of it", "envelope has 65537 bytes", |world| put(world, " ".repeat(65_537))),
    row("the envelope of the older release (replay)", "mismatch", |world| {
        put(world, release(&world.component, &manifest_of(2), &[PUBLISHER]).envelope)
    }),
    row(
        "a reviewer's verdict in place of the publisher's statement",
        "does not verify with any trusted key",
        |world| put(world, world.verdict(approval(), 20)),
    ),
    row("a verdict that the publisher signed in its place", "predicateType", |world| {
        put(world, world.verdict(approval(), PUBLISHER))
    }),
    row("one signature where the root asks for two", "1 of 2 needed keys", |world| {
        let two = world.next(|root| root.publishers.as_mut().unwrap()[0].role.threshold = 2);
        assert_eq!(world.put_root(&two, &[1]), None);
        world.load()
    }),
    row("two by one key (a threshold met twice)", "two signatures by one key count once", |world| {
        let two = world.next(|root| root.publishers.as_mut().unwrap()[0].role.threshold = 2);
        assert_eq!(world.put_root(&two, &[1]), None);
        put(world, release(&world.component, testing::MANIFEST, &[PUBLISHER, PUBLISHER]).envelope)
    }),
    row("a publisher's key that is revoked", "does not verify with any trusted key", |world| {
        let revoked = world.next(|root| {
            root.revoked.keys.insert(id_of(PUBLISHER));
        });
        assert_eq!(world.put_root(&revoked, &[1]), None);
        world.load()
    }),
    row("another publisher's key", "does not verify with any trusted key of publisher com.example", |world| {
        let with = world.next(|root| {
            let id = root.know(&key(OTHER_PUBLISHER).public(), "org.other");
            let mut other = root.publishers.as_ref().unwrap()[0].clone();
            (other.prefix, other.role.keys) = ("org.other".parse().unwrap(), [id].into());
            root.publishers.as_mut().unwrap().push(other);
        });
        assert_eq!(world.put_root(&with, &[1]), None);
        put(world, release(&world.component, testing::MANIFEST, &[OTHER_PUBLISHER]).envelope)
    }),
];

/// Loads with another payload, which the publisher did sign.
fn payload(world: &World, from: &str, to: &str) -> Option<String> {
    let envelope = Envelope::parse(PayloadType::Statement, &world.stored.envelope).unwrap();
    let text = String::from_utf8(envelope.unverified().to_vec()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    put(world, signed(PayloadType::Statement, text.replacen(from, to, 1).into_bytes(), &[SECOND_PUBLISHER]))
}

pub const STATEMENT: &[Row] = &[
    row("a restriction that this host does not understand", "unknown field `only-in`", |world| {
        payload(world, "\"plugin\":", "\"only-in\":\"eu\",\"plugin\":")
    }),
    row("another form of statement", "has _type", |world| payload(world, "Statement/v1", "Statement/v2")),
    row("another kind of predicate", "has predicateType", |world| payload(world, "release/v1", "release/v2")),
    row("a third subject", "has subjects", |world| {
        payload(world, "\"subject\":[", "\"subject\":[{\"digest\":{\"sha256\":\"00\"},\"name\":\"other.wasm\"},")
    }),
    row("another digest algorithm", "unknown field `md5`", |world| payload(world, "\"sha256\"", "\"md5\"")),
    row("the digest of another component", "component digest mismatch", |world| {
        payload(world, &world.stored.digest.hex(), &Digest::of(b"another").hex())
    }),
    row("the digest in capitals", "component digest mismatch", |world| {
        let hex = world.stored.digest.hex();
        payload(world, &hex, &hex.to_uppercase())
    }),
    row("a value given twice", "duplicate field", |world| {
        payload(world, "\"version\":", "\"version\":\"9\",\"version\":")
    }),
    row("another publisher in it", "publisher mismatch", |world| {
        payload(world, "\"publisher\":\"com.example\"", "\"publisher\":\"org.other\"")
    }),
    row("the statement of another plugin of theirs", "plugin id mismatch", |world| {
        let other = testing::MANIFEST.replace("com.example.card-guard", "com.example.other");
        let statement = Statement::<Release>::new(&Manifest::parse(&other).unwrap(), &world.stored.digest);
        put(world, signed(PayloadType::Statement, statement.to_bytes(), &[PUBLISHER]))
    }),
    row("the row of another release in its place (mix and match)", "manifest digest mismatch", |world| {
        let older = world.memory.releases.lock().unwrap()[&world.older()].0.clone();
        world.rewrite(&world.id(), |stored: &mut StoredRelease, _: &mut Arc<[u8]>| *stored = older);
        world.load()
    }),
];
