//! The pages. One file each: what it asks the API for, and what it shows.

pub(crate) mod account;
mod activity;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod connections;
pub(crate) mod denials;
pub(crate) mod duties;
pub(crate) mod entry;
pub(crate) mod incidents;
pub(crate) mod install;
pub(crate) mod installation;
pub(crate) mod installations;
pub(crate) mod marketplace;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod posture;
pub(crate) mod posture_profile;
pub(crate) mod privacy;
pub(crate) mod release;
pub(crate) mod reviews;
pub(crate) mod rightsize;
pub(crate) mod risks;
pub(crate) mod risks_propose;
pub(crate) mod sheet;
mod view;
