//! The edits of a root: how they are written on the command line, and what each does.

use std::{collections::BTreeSet, str::FromStr};

use anyhow::{Result, bail};
use portcullis_model::id::{PluginId, PublisherId};
use portcullis_packages::{
    keys::PublicKey,
    trust::root::{KeyId, Needed, Publisher, Role, Root},
};

use crate::commands::plugin::key_id;

/// `KEY=OWNER`.
#[derive(Clone, Debug)]
pub struct Owned {
    key: PublicKey,
    owner: String,
}

/// `PREFIX=KEY[,KEY][/THRESHOLD]`.
#[derive(Clone, Debug)]
pub struct Publishes {
    prefix: PublisherId,
    keys: Vec<PublicKey>,
    threshold: usize,
}

/// `LOW,MEDIUM,HIGH`.
#[derive(Clone, Copy, Debug)]
pub struct Reviews(pub Needed);

/// `PLUGIN=N`.
#[derive(Clone, Debug)]
pub struct Floor {
    plugin: PluginId,
    lowest: u64,
}

fn wrong(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl FromStr for Owned {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A key ends with the one '=' of its base64.
        let parts = text.find('=').and_then(|at| Some((&text[..=at], text[at + 1..].strip_prefix('=')?)));
        match parts {
            Some((key, owner)) if !owner.trim().is_empty() => {
                Ok(Self { key: key.parse().map_err(wrong)?, owner: owner.to_owned() })
            }
            _ => Err("expected a key as 'portcullis key show' prints it, '=' and whose it is".to_owned()),
        }
    }
}

impl Owned {
    pub(super) fn known(&self, root: &mut Root) -> KeyId {
        root.know(&self.key, &self.owner)
    }
}

impl FromStr for Publishes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, keys) = text.split_once('=').ok_or("expected PREFIX=KEY[,KEY][/THRESHOLD]")?;
        // Base64 has '/' too; only what follows a whole key is a threshold.
        let (keys, threshold) = match keys.rsplit_once('/') {
            Some((keys, threshold)) if keys.ends_with('=') => (keys, threshold.parse().map_err(wrong)?),
            _ => (keys, 1),
        };
        let keys: Vec<PublicKey> =
            keys.split(',').map(|key| key.parse().map_err(wrong)).collect::<Result<_, String>>()?;
        Ok(Self { prefix: prefix.parse().map_err(wrong)?, keys, threshold })
    }
}

impl Publishes {
    pub(super) fn put(&self, root: &mut Root) {
        let keys = self.keys.iter().map(|key| root.know(key, self.prefix.as_str())).collect();
        let role = Role { keys, threshold: self.threshold };
        let publishers = root.publishers.get_or_insert_default();
        match publishers.iter_mut().find(|one| one.prefix == self.prefix) {
            Some(one) => one.role = role,
            None => publishers.push(Publisher { prefix: self.prefix.clone(), role }),
        }
    }
}

impl FromStr for Reviews {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        match numbers.as_deref() {
            Ok([low, medium, high]) => Ok(Self(Needed { low: *low, medium: *medium, high: *high })),
            _ => Err("expected three numbers, of reviewers at low, medium and high risk, such as 0,1,2".to_owned()),
        }
    }
}

impl FromStr for Floor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (plugin, lowest) = text.split_once('=').ok_or("expected PLUGIN=N")?;
        Ok(Self { plugin: plugin.parse().map_err(wrong)?, lowest: lowest.parse().map_err(wrong)? })
    }
}

impl Floor {
    pub(super) fn put(&self, root: &mut Root) {
        match self.lowest {
            0 => drop(root.floors.remove(&self.plugin)),
            lowest => drop(root.floors.insert(self.plugin.clone(), lowest)),
        }
    }
}

/// Takes a key, named by itself or its id, out of a role.
pub(super) fn remove(keys: &mut BTreeSet<KeyId>, key: &str, what: &str) -> Result<()> {
    match keys.remove(&key_id(key)) {
        true => Ok(()),
        false => bail!("'{key}' is not {what}; see 'portcullis trust show --json'"),
    }
}

/// Takes a prefix from its publisher.
pub(super) fn unpublish(root: &mut Root, prefix: &PublisherId) -> Result<()> {
    let publishers = root.publishers.get_or_insert_default();
    let before = publishers.len();
    publishers.retain(|one| one.prefix != *prefix);
    match publishers.len() < before {
        true => Ok(()),
        false => bail!("nobody publishes below '{prefix}' as it is"),
    }
}

/// Has no signature of a key count any more, and takes it out of every role.
pub(super) fn revoke(root: &mut Root, key: &str) -> Result<()> {
    let id = key_id(key);
    let roles = [&mut root.root, &mut root.withdrawals, &mut root.overrides];
    let publishers = root.publishers.iter_mut().flatten().map(|one| &mut one.role);
    for role in roles.into_iter().chain(publishers) {
        role.keys.remove(&id);
    }
    root.reviewers.remove(&id);
    root.revoked.keys.insert(id);
    Ok(())
}

/// Nobody in a role: nobody acts. Somebody: at least one signs.
pub(super) fn settle(role: &mut Role, threshold: Option<usize>) {
    role.threshold = match role.keys.is_empty() {
        true => 0,
        false => threshold.unwrap_or(role.threshold).max(1),
    };
}

/// Drops keys that have no role left.
pub(super) fn forget_unused(root: &mut Root) {
    let roles = [&root.root, &root.withdrawals, &root.overrides];
    let publishers = root.publishers.iter().flatten().map(|one| &one.role);
    let used = roles.into_iter().chain(publishers).flat_map(|role| &role.keys).chain(&root.reviewers);
    let used: BTreeSet<KeyId> = used.cloned().collect();
    root.keys.retain(|id, _| used.contains(id));
}

#[cfg(test)]
mod tests {
    use portcullis_model::time::Rng as _;
    use portcullis_packages::keys::SecretKey;

    use super::*;
    use crate::system::SystemRng;

    fn key() -> PublicKey {
        let mut byte = [0];
        SystemRng.fill(&mut byte);
        SecretKey::generate(&SystemRng).public()
    }

    #[test]
    fn what_base64_has_in_it_separates_nothing() {
        // Some of them have '/' and '+' in them.
        for _ in 0..64 {
            let (a, b) = (key(), key());
            let one: Publishes = format!("com.example={a}").parse().unwrap();
            assert_eq!((one.keys, one.threshold), (vec![a], 1));
            let two: Publishes = format!("com.example={a},{b}/2").parse().unwrap();
            assert_eq!((two.keys, two.threshold), (vec![a, b], 2));
            let owned: Owned = format!("{a}=ada = bob").parse().unwrap();
            assert_eq!((owned.key, owned.owner.as_str()), (a, "ada = bob"));
            assert!(format!("{a}").parse::<Owned>().is_err(), "whose is it?");
        }
    }

    #[test]
    fn a_mistake_is_said() {
        assert!("0,1".parse::<Reviews>().is_err());
        assert!("com.example".parse::<Publishes>().is_err());
        assert!("com.example.x=x".parse::<Floor>().is_err());
        let mut keys = BTreeSet::new();
        assert!(remove(&mut keys, "abc", "a reviewer").is_err());
    }
}
