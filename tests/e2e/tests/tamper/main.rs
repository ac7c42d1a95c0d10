//! Damage: to a release on its way, to the registry, to the published log, to the database. Each is refused, and what is
//! wrong is named.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod bundle;
mod database;
mod log;
mod release;

use portcullis_e2e::{Lab, Package, TENANT};
use portcullis_packages::install::Order;

fn order() -> Order {
    Order { tenant: TENANT.parse().unwrap(), grant: None, limits: None }
}

fn package() -> Package {
    Package::guest("keeps_state", &["log:write"], "")
}

/// The bytes with one bit of one of them turned over.
fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at] ^= 1;
    changed
}

/// How many rows a table has.
fn rows(lab: &Lab, table: &str) -> u64 {
    lab.database().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}
