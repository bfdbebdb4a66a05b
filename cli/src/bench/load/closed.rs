//! As many requests as are answered: each connection sends its next when it has its answer.

use std::{cell::RefCell, net::SocketAddr, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    connection::Connection,
    request::{Requests, Workload},
    tally::Tally,
    times::{ANSWER, LAST_ANSWERS, Times},
};

/// A server that takes no more for now is asked again after a while.
const FULL: u16 = 503;
const PAUSE: Duration = Duration::from_millis(100);

/// So many connections; each sends `most` requests if that is given, else until the time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) connections: usize,
    /// Of all connections together.
    pub(crate) most: Option<u64>,
}

struct Course<'a> {
    requests: &'a RefCell<Requests>,
    tally: &'a RefCell<Tally>,
    left: &'a RefCell<u64>,
    measured_from: Instant,
    until: Instant,
}

impl Closed {
    pub(super) async fn run(
        self,
        address: SocketAddr,
        workload: Workload,
        times: Times,
    ) -> anyhow::Result<Tally> {
        let connections = Connection::open_all(address, self.connections).await?;
        let (requests, tally) = (RefCell::new(Requests::new(workload)), RefCell::default());
        let left = RefCell::new(self.most.unwrap_or(u64::MAX));
        let started = Instant::now();
        let course = Course {
            requests: &requests,
            tally: &tally,
            left: &left,
            measured_from: started + times.warm_up,
            until: started + times.all(),
        };
        let mut running: FuturesUnordered<_> = connections
            .into_iter()
            .map(|connection| course.follow(connection))
            .collect();
        let rest = async { while running.next().await.is_some() {} };
        // What is still under way then was sent and not answered.
        let over = course.until.checked_add(LAST_ANSWERS).unwrap_or(course.until);
        let is_over = timeout_at(over, rest).await.is_err();
        drop(running);
        let mut tally = tally.into_inner();
        if is_over {
            let answered = tally.outcomes + tally.receipts + tally.refused + tally.failed + tally.unanswered;
            tally.unanswered += requests.into_inner().made().saturating_sub(answered);
        }
        Ok(tally)
    }
}

impl Course<'_> {
    async fn follow(&self, mut connection: Connection) {
        let mut request = Vec::new();
        loop {
            let sent = Instant::now();
            if sent >= self.until || !self.take() {
                return;
            }
            self.requests.borrow_mut().next(&mut request);
            let answer = timeout(ANSWER, connection.call(&request)).await;
            let now = Instant::now();
            let counts = now >= self.measured_from && now <= self.until;
            if let Ok(Ok(status)) = answer {
                let took = counts.then(|| now - sent);
                self.tally.borrow_mut().answered(status, took);
                if status == FULL {
                    tokio::time::sleep(PAUSE).await;
                }
            } else {
                self.tally.borrow_mut().unanswered += 1;
                if connection.reopen().await.is_err() {
                    return;
                }
            }
        }
    }

    fn take(&self) -> bool {
        let mut left = self.left.borrow_mut();
        let has = *left > 0;
        *left = left.saturating_sub(1);
        has
    }
}
