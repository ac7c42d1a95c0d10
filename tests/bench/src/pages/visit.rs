//! The visits: a host that serves the home, somebody who signed in, and how long they wait.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use portcullis_access::{NewInvitation, Seen};
use portcullis_cli::{home::Home, host::Host, people, serve};
use portcullis_model::{
    id::FactorId,
    people::{Factor, FactorKind},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{oneshot, watch},
};

use super::{home::TENANT, known};

/// How long it is waited for until the host has caught up with the log.
const PATIENCE: Duration = Duration::from_secs(900);
/// The share of requests, of a hundred, within which the second figure lies.
const MOST: usize = 95;

/// Asks for everything so often.
pub async fn all(home: Home, times: usize) -> Result<Value> {
    let host = Host::open(home).await?;
    let (store, cookies) = (host.store.clone(), [owner(&host, Some(TENANT)).await?, owner(&host, None).await?]);
    let (stop, stopped) = watch::channel(false);
    let (ready, address) = oneshot::channel();
    let tell = move |address| _ = ready.send(address);
    let running = tokio::spawn(serve::serve(host, Some((Ipv4Addr::LOCALHOST, 0).into()), tell, stopped));
    let address = address.await.context("the host did not start")?;
    let began = Instant::now();
    while store.detect_cursor().await?.next + 5_000 < store.entry_count().await? {
        anyhow::ensure!(began.elapsed() < PATIENCE, "the host does not catch up with its log");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // What a host does at its start is over.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let [tenant, platform] = cookies;
    let mut visitor = Visitor { address, cookie: tenant };
    let known = known::look(&visitor).await?;
    let only: Option<String> = std::env::args().skip_while(|arg| arg != "--only").nth(1);
    let mut rows = Vec::new();
    for path in known.paths()?.into_iter().filter(|path| only.as_ref().is_none_or(|part| path.contains(part))) {
        rows.push(visitor.measure(&path, times).await?);
    }
    let of_tenant = std::mem::replace(&mut visitor.cookie, platform);
    let mut beyond = Vec::new();
    for row in &rows {
        beyond.push(visitor.measure(row["path"].as_str().unwrap_or_default(), times.div_ceil(4)).await?);
    }
    drop(of_tenant);
    stop.send_replace(true);
    running.await??;
    print(&rows, &beyond);
    Ok(json!({ "installations": known.installations, "times": times, "owner-of-the-tenant": rows, "platform": beyond }))
}

/// The table, as the pages about it have it.
fn print(rows: &[Value], beyond: &[Value]) {
    println!("| page or question | kB | median ms | p95 ms | platform, median ms |\n|---|---:|---:|---:|---:|");
    for (row, other) in rows.iter().zip(beyond) {
        let number = |of: &Value, name: &str| of[name].as_f64().unwrap_or_default();
        let status = row["status"].as_u64().unwrap_or_default();
        let note = if status == 200 { String::new() } else { format!(" ({status})") };
        println!(
            "| `{}`{note} | {:.1} | {:.0} | {:.0} | {:.0} |",
            row["path"].as_str().unwrap_or_default(),
            number(row, "bytes") / 1e3,
            number(row, "median-ms"),
            number(row, "p95-ms"),
            number(other, "median-ms"),
        );
    }
}

/// The `Cookie` header of an owner who just joined, with a passkey that no authenticator has.
async fn owner(host: &Host, place: Option<&str>) -> Result<String> {
    let access = people::access(host)?;
    let new = NewInvitation {
        email: format!("owner-{}@example.com", host.clock.now().0 * 2 + i64::from(place.is_none())),
        name: "Dana Reyes".to_owned(),
        tenant: place.map(str::parse).transpose()?,
        role: "owner".parse()?,
        until: None,
        break_glass: false,
    };
    let invited = access.invite(&people::at_the_terminal(host), new).await?;
    let person = access.invitee(&invited.invitation).await?;
    let factor = Factor {
        id: FactorId::random(host.rng.as_ref()),
        person: person.id.clone(),
        kind: FactorKind::Passkey,
        label: "Laptop".to_owned(),
        handle: Some(format!("key of {}", person.id)),
        body: Value::Null,
        created: host.clock.now(),
        used: None,
        ended: None,
        version: 1,
    };
    let seen = Seen { label: "Bench".to_owned(), device: None, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    let started = access.join(&invited.token, factor, &seen).await?;
    Ok(format!("portcullis-session={}", started.token.as_str()))
}

/// Somebody who signed in.
pub struct Visitor {
    address: SocketAddr,
    cookie: String,
}

impl Visitor {
    /// What is answered: its status and its body.
    pub async fn get(&self, path: &str) -> Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let port = self.address.port();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncookie: {}\r\naccept: */*\r\nconnection: close\r\n\r\n",
            self.cookie
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("an answer has no end of its head")?;
        let body = answer.split_off(end + 4);
        let head = String::from_utf8_lossy(&answer);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer has a status")?;
        Ok((status, body))
    }

    /// The same, as JSON.
    pub async fn json(&self, path: &str) -> Result<Value> {
        let (_, body) = self.get(path).await?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn measure(&self, path: &str, times: usize) -> Result<Value> {
        let (mut took, mut seen, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        for _ in 0..times {
            let began = Instant::now();
            let (status, body) = self.get(path).await?;
            took.push(began.elapsed().as_secs_f64() * 1e3);
            bytes = bytes.max(body.len());
            seen.insert(status);
        }
        took.sort_by(f64::total_cmp);
        let at =
            |percent: usize| took.get((took.len() * percent / 100).min(took.len() - 1)).copied().unwrap_or_default();
        Ok(json!({
            "path": path, "status": seen.last(), "bytes": bytes, "median-ms": at(50), "p95-ms": at(MOST),
            "worst-ms": took.last(),
        }))
    }
}
