//! What the product has to reach. Ratios to floors of the same run, not absolute numbers, are the claim.

/// Synchronous answers at the best number of connections, of B.
pub(super) const SYNC: f64 = 0.8;
/// At 64 connections, of B.
pub(super) const SYNC_64: f64 = 0.35;
/// Half of the answers to one connection, in times of one publish and one commit.
pub(super) const ONE_CONNECTION: f64 = 1.5;
/// 99 % of the answers at half of the maximum: within this, or within so many times what half of the answers to one connection take.
pub(super) const PACED_P99_MS: f64 = 50.0;
pub(super) const PACED_P99_TIMES: f64 = 3.0;
/// Receipts while no worker runs, of B; or of H, whichever is less.
pub(super) const ASYNC_OF_B: f64 = 2.0;
pub(super) const ASYNC_OF_H: f64 = 0.7;
/// Receipts while workers run, of B.
pub(super) const ASYNC_WITH_WORKERS: f64 = 1.0;
/// A backlog, of D.
pub(super) const DRAIN: f64 = 0.6;
/// A harder case of an easier one: one affiliate of many, few customers of many, much that is stored of nothing.
pub(super) const HARDER: f64 = 0.9;
/// The spool, of RabbitMQ.
pub(super) const SPOOL: f64 = 0.8;
/// Memory of each role, in megabytes.
pub(super) const MEGABYTES: f64 = 100.0;
