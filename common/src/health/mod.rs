//! How the whole installation is: what waits and how long, which processes live, what has failed. Every process looks every few
//! seconds, says that it lives, and shows what it saw to its metrics; `commissary doctor` looks once and says what is wrong.
//!
//! What must never live here: anything that changes an event, and anything on the way of one.

mod check;
mod gauges;
mod judge;
mod lag;
mod look;
mod report;
mod watch;

pub use check::Check;
pub use judge::{CLOCK_SKEW, FEW_CONNECTIONS, MAX_LAG, REFUSALS, judge, judge_queue};
pub use lag::{Lag, Place, STALE_AFTER, queue_since_as_told};
pub use look::{Database, database};
pub use report::{Report, Says};
pub use watch::{Watch, watch};
