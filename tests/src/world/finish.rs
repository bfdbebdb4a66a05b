//! The end of every test: what must hold of any installation, whatever was done to it.

use std::{collections::HashMap, time::Duration};

use super::World;
use crate::{load::Sent, wait::wait_until};

/// Everything accepted has been applied by then.
const DRAIN: Duration = Duration::from_mins(1);

/// What a test leaves behind on purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leftovers {
    pub dead: i64,
    pub parked: i64,
    /// Envelopes that no worker takes.
    pub kept: i64,
}

impl World {
    /// Nothing is left over, the ledger is right, every process ends well when it is asked to.
    pub async fn finish(self) {
        self.finish_with(Leftovers::default()).await;
    }

    pub async fn finish_with(mut self, left: Leftovers) {
        self.drained(left.kept).await;
        let Self {
            ingest, workers, api, ..
        } = &mut self;
        for process in std::iter::once(ingest).chain(workers).chain(std::iter::once(api)) {
            if process.is_running() {
                process.terminate().await;
            }
        }
        // What a worker held and did not acknowledge is back by now.
        self.drained(left.kept).await;
        self.ledger_is_right().await;
        for (status, expected) in [("queued", 0), ("dead", left.dead), ("parked", left.parked)] {
            let statement = format!("SELECT count(*) FROM events WHERE status = '{status}'");
            assert_eq!(self.count(&statement).await, expected, "events that are {status}");
        }
        let days = "SELECT count(*) FROM events_default WHERE org_id IS NOT NULL";
        assert_eq!(self.count(days).await, 0, "events that fell into no day");
    }

    /// Waits until queue and spool hold nothing but `kept` envelopes, and no event waits for its turn.
    pub async fn drained(&self, kept: i64) {
        wait_until("all queues are drained", DRAIN, async || {
            let Some(at_broker) = self.at_broker().await else {
                return false;
            };
            let waiting =
                "SELECT (SELECT count(*) FROM spool) + (SELECT count(*) FROM events WHERE status = 'queued')";
            self.count(waiting).await + i64::from(at_broker) == kept
        })
        .await;
    }

    /// Runs `commissary ledger check`.
    pub async fn ledger_is_right(&self) {
        let checked = self.commissary(&["ledger", "check", "--json"]).await.well();
        let violations = checked.json().get("violations").cloned();
        assert_eq!(violations, Some(serde_json::json!([])));
    }

    /// Every sale that was answered 2xx is recorded, exactly once; the others at most once.
    pub async fn recorded(&self, sent: &[Sent]) {
        let rows = self
            .sql("SELECT external_id, count(*) FROM conversions GROUP BY 1")
            .await;
        let recorded: HashMap<&str, &str> = rows.lines().filter_map(|row| row.split_once('|')).collect();
        for one in sent {
            let found = recorded.get(one.order.as_str());
            assert!(
                !one.is_accepted() || found.is_some(),
                "lost, though it was accepted: {one:?}"
            );
            assert!(found.is_none_or(|count| *count == "1"), "recorded twice: {one:?}");
        }
        let lines = self
            .count("SELECT count(*) FROM (SELECT 1 FROM commissions WHERE kind = 'regular' GROUP BY conversion_id HAVING count(*) <> 1) x")
            .await;
        assert_eq!(
            lines, 0,
            "conversions with another number of commissions than one"
        );
    }
}
