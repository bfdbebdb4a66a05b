//! One file per subcommand: its arguments, which are its documentation, and what it does.

mod acting;
pub(crate) mod api;
pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod catalog;
pub(crate) mod commissions;
pub(crate) mod dev;
pub(crate) mod dlq;
pub(crate) mod doctor;
mod event_args;
mod event_follow;
mod event_groups;
mod event_output;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod ingest;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod migrate;
mod of_org;
pub(crate) mod pixel;
pub(crate) mod ready;
pub(crate) mod rejections;
pub(crate) mod worker;
