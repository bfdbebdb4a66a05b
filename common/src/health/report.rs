//! What a process says of itself when it is asked.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

/// How a process is at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// For people.
    pub doing: String,
    /// Why it cannot do its work.
    pub trouble: Option<String>,
    /// When the oldest event was received that it applies now.
    pub oldest_at: Option<DateTime<Utc>>,
    /// When the latest event was received that the broker delivered to it.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// Whom to ask.
#[derive(Clone)]
pub struct Says(Arc<dyn Fn() -> Report + Send + Sync>);

impl Says {
    pub fn new(report: impl Fn() -> Report + Send + Sync + 'static) -> Self {
        Self(Arc::new(report))
    }

    pub(super) fn ask(&self) -> Report {
        (self.0)()
    }
}

impl fmt::Debug for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Says")
    }
}
