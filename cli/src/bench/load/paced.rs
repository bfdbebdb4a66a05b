//! So many requests a second, each due at its moment whether those before it are answered or not. An answer's time counts from that
//! moment: a server that stalls makes those wait that would have come meanwhile, and their waiting is seen.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::{
    connection::Connection,
    request::{Requests, Workload},
    tally::Tally,
    times::{ANSWER, LAST_ANSWERS, Times},
};

/// Requests a second over so many connections at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paced {
    pub(crate) per_second: f64,
    pub(crate) connections: usize,
}

impl Paced {
    pub(super) async fn run(
        self,
        address: SocketAddr,
        workload: Workload,
        times: Times,
    ) -> anyhow::Result<Tally> {
        let connections = Connection::open_all(address, self.connections).await?;
        let course = Course {
            requests: RefCell::new(Requests::new(workload)),
            tally: RefCell::default(),
            next: Cell::new(0),
            per_second: self.per_second,
            started: Instant::now(),
            times,
        };
        let mut running: FuturesUnordered<_> = connections
            .into_iter()
            .map(|connection| course.follow(connection))
            .collect();
        let rest = async { while running.next().await.is_some() {} };
        let over = course.started + times.all() + LAST_ANSWERS;
        let is_over = timeout_at(over, rest).await.is_err();
        drop(running);
        let mut tally = course.tally.into_inner();
        if is_over {
            let answered = tally.outcomes + tally.receipts + tally.refused + tally.failed + tally.unanswered;
            tally.unanswered += course.requests.into_inner().made().saturating_sub(answered);
        }
        Ok(tally)
    }
}

struct Course {
    requests: RefCell<Requests>,
    tally: RefCell<Tally>,
    next: Cell<u32>,
    per_second: f64,
    started: Instant,
    times: Times,
}

impl Course {
    async fn follow(&self, mut connection: Connection) {
        let mut request = Vec::new();
        loop {
            let number = self.next.get();
            let due = due(number, self.per_second);
            if due >= self.times.all() {
                return;
            }
            self.next.set(number + 1);
            let moment = self.started + due;
            if moment > Instant::now() {
                sleep_until(moment).await;
            }
            self.requests.borrow_mut().next(&mut request);
            if let Ok(Ok(status)) = timeout(ANSWER, connection.call(&request)).await {
                let took = (due >= self.times.warm_up).then(|| moment.elapsed());
                self.tally.borrow_mut().answered(status, took);
            } else {
                self.tally.borrow_mut().unanswered += 1;
                if connection.reopen().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// When the request with this number is due, from the start.
fn due(number: u32, per_second: f64) -> Duration {
    Duration::try_from_secs_f64(f64::from(number) / per_second).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_their_rate() {
        assert_eq!(due(0, 1000.0), Duration::ZERO);
        assert_eq!(due(500, 1000.0), Duration::from_millis(500));
        assert_eq!(due(3000, 1500.0), Duration::from_secs(2));
        assert_eq!(due(1, 0.0), Duration::MAX);
    }
}
