//! Files that hang on tickets (INT-14): what is known about them, and the acts.

use serde::{Deserialize, Serialize};

use super::Seen;
use crate::{
    budget::{Cost, Resource},
    permit::{Act, Effect},
    scope::Within,
};

/// What the malware scan said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scan {
    /// Nothing was found.
    Clean,
    /// Nobody has looked yet.
    Unscanned,
    /// Something was found.
    Infected,
}

impl Scan {
    /// The name in scopes and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unscanned => "unscanned",
            Self::Infected => "infected",
        }
    }
}

/// What is known about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// Of which ticket.
    pub ticket: String,
    /// With which comment it came.
    pub comment: String,
    /// The name that its sender gave it.
    pub name: String,
    /// The media type that its sender claimed, in lower case and without parameters.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// What the scan said.
    pub scan: Scan,
}

/// List a ticket's files.
#[derive(Clone, Debug)]
pub struct ListAttachments {
    /// Of which ticket.
    pub ticket: String,
    /// After the file with this id.
    pub after: Option<String>,
    /// At most so many.
    pub most: u32,
    /// Of which types: `image/png`, `image/*` or `*`.
    pub types: Vec<String>,
    /// Among which tickets.
    pub within: Within,
}

/// Look at what is known about one file.
#[derive(Clone, Debug)]
pub struct StatAttachment {
    /// Which.
    pub id: String,
    /// Among which tickets.
    pub within: Within,
}

/// Read a stretch of one file.
#[derive(Clone, Debug)]
pub struct ReadAttachment {
    /// The file as it was when the act was decided: its type, size and scan are what the grant is held against, and a file
    /// that has another size or scan by now is not read.
    pub file: Attachment,
    /// From this byte on.
    pub offset: u64,
    /// At most so many bytes.
    pub most: u32,
    /// Among which tickets.
    pub within: Within,
}

/// Some bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk(pub Vec<u8>);

impl Act for ListAttachments {
    const NAME: &'static str = "attachments.list";
    fn resource(&self) -> String {
        format!("ticket:{}", self.ticket)
    }
    fn cost(&self) -> Cost {
        Cost::of(Resource::RecordsRead, self.most.into())
    }
}

impl Act for StatAttachment {
    const NAME: &'static str = "attachments.open";
    fn resource(&self) -> String {
        format!("attachment:{}", self.id)
    }
    fn cost(&self) -> Cost {
        Cost::of(Resource::RecordsRead, 1)
    }
}

impl Act for ReadAttachment {
    const NAME: &'static str = "attachments.read";
    fn resource(&self) -> String {
        format!("attachment:{}", self.file.id)
    }
}

impl Effect for Vec<Seen<Attachment>> {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("records", self.len() as u64)]
    }
}

impl Effect for Seen<Attachment> {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("records", 1)]
    }
}

impl Effect for Chunk {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("bytes", self.0.len() as u64)]
    }
}
