//! The `portcullis` command, and the only place that wires everything together.
//!
//! What is ABSENT: rules. Each command opens a host's home directory, calls one function of a domain crate, and prints.
//!
//! Invariants:
//! - configuration is read whole, and refused whole, before a port opens;
//! - every command has `--json`; errors say what to do; exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused or not
//!   verified, 4 a demo's expectation did not hold.
#![forbid(unsafe_code)]

pub mod admin;
pub mod backup;
pub mod build;
pub mod commands;
pub mod config;
pub mod connect;
pub mod console;
pub mod demo;
pub mod detect;
pub mod doctor;
pub mod duties;
pub mod each;
pub mod enforce;
pub mod erasure;
pub mod explain;
pub mod extent;
pub mod home;
pub mod host;
pub mod incident;
pub mod inspected;
pub mod leaks;
pub mod leaving;
pub mod log_proof;
pub mod logbook;
pub mod notices;
pub mod oauth;
pub mod ops;
pub mod outbound;
pub mod outlet;
pub mod output;
pub mod parcel;
pub mod people;
pub mod platform;
pub mod privacy;
pub mod public_log;
pub mod publish;
pub mod quarantine;
pub mod reading;
pub mod receipt;
pub mod rescan;
pub mod retention;
pub mod review;
pub mod rotation;
pub mod rulebook;
pub mod serve;
pub mod shutdown;
pub mod signing;
pub mod statement;
pub mod system;
pub mod tasks;
pub mod tenant;
pub mod trust;
pub mod upgrades;
pub mod vault;
pub mod witnessed;
