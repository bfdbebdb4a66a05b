//! Trying again what others keep from being applied.

use crate::{apply::ApplyError, db::FailureClass};

/// How often a batch is tried.
const MAX_ATTEMPTS: u32 = 5;

/// How often something has been tried.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Counts a failure. `true`: it may pass, and is worth another attempt.
    pub(crate) fn goes_on(&mut self, error: &ApplyError) -> bool {
        self.failed += 1;
        let is_contended = matches!(error.class(), FailureClass::Contention | FailureClass::Race);
        self.failed < MAX_ATTEMPTS && (is_contended || error.is_stale_plan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DbError;

    fn error(error: sqlx::Error) -> ApplyError {
        DbError::new("test", error).into()
    }

    #[test]
    fn what_others_hold_up_is_tried_five_times_and_what_does_not_pass_once() {
        let mut attempts = Attempts::default();
        // A row that was there when it was looked for: a race.
        let tries = std::iter::repeat_with(|| attempts.goes_on(&error(sqlx::Error::RowNotFound)));
        assert_eq!(tries.take(5).collect::<Vec<_>>(), [true, true, true, true, false]);
        assert!(!Attempts::default().goes_on(&error(sqlx::Error::PoolTimedOut)));
        assert!(!Attempts::default().goes_on(&ApplyError::Panic("a bug".to_owned())));
    }
}
