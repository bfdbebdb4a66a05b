//! The core library of Commissary: the domain, the messages, the database, the queue and the one way events are applied.
//!
//! Reading order: `domain` (pure) ← `message` ← `db`, `queue` ← `apply`. This is the only crate that names sqlx or lapin.

pub mod apply;
pub mod approval;
pub mod bulk;
pub mod catalog;
pub mod db;
pub mod domain;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
pub mod health;
pub mod http;
pub mod keyring;
pub mod message;
pub mod ops;
pub mod queue;
pub mod reads;
pub mod recalculation;
pub mod rejections;
pub mod runtime;
pub mod tapfiliate_json;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
