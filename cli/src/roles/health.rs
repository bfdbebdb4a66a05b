//! How this process is: its readiness, its signs of life, and what it shows of the whole installation.

use std::time::Duration;

use api::Ready;
use common::{
    db::{self, Pool},
    health::{self, Report, Says, Watch},
    queue::amqp::{Broker, ConnectionState},
    runtime::{Clock, TaskGroup},
    telemetry::metrics,
};
use tokio::sync::watch;
use worker::Progress;

/// Between two looks at the database.
const CHECK: Duration = Duration::from_secs(1);
/// A database that takes longer than this to answer is not there.
const ANSWER: Duration = Duration::from_secs(2);

/// What a process is looked at by.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) pool: Pool,
    /// `None`: this process has no broker.
    pub(crate) broker: Option<Broker>,
    pub(crate) clock: Clock,
    /// As in heartbeats and metrics.
    pub(crate) role: &'static str,
    /// A broker that takes messages is enough: it accepts events, and does not apply them.
    pub(crate) accepts: bool,
    /// Of the worker in this process, if there is one.
    pub(crate) progress: Option<Progress>,
}

/// Starts looking, and tells whether the process is ready.
pub(crate) fn watch(watched: Watched, tasks: &TaskGroup) -> Ready {
    metrics::build_info(watched.role, env!("CARGO_PKG_VERSION"));
    let (trouble, seen) = watch::channel(None);
    let says = {
        let (watched, seen) = (watched.clone(), seen.clone());
        Says::new(move || watched.report(seen.borrow().clone()))
    };
    let Watched {
        pool,
        broker,
        clock,
        role,
        ..
    } = watched.clone();
    let version = env!("CARGO_PKG_VERSION");
    health::watch(
        Watch {
            pool,
            broker,
            clock,
            role,
            version,
            says,
        },
        tasks,
    );
    tasks.keep("readiness", move || look(watched.clone(), trouble.clone()));
    Ready::of(seen)
}

async fn look(watched: Watched, trouble: watch::Sender<Option<String>>) {
    loop {
        let found = watched.trouble().await;
        metrics::ready(found.is_none());
        trouble.send_replace(found);
        tokio::time::sleep(CHECK).await;
    }
}

impl Watched {
    /// Why the process cannot do its work.
    async fn trouble(&self) -> Option<String> {
        let broker_takes = self
            .broker
            .as_ref()
            .is_some_and(|broker| broker.publish.current().is_some());
        if self.accepts && broker_takes {
            return self.of_worker();
        }
        let answered = tokio::time::timeout(ANSWER, db::ping(&self.pool)).await;
        match answered {
            Ok(Ok(())) => self.of_worker(),
            _ if self.accepts && self.broker.is_some() => {
                Some("neither the broker nor the database takes events".to_owned())
            }
            _ => Some("the database does not answer".to_owned()),
        }
    }

    fn of_worker(&self) -> Option<String> {
        let progress = self.progress.as_ref()?;
        // In a process that does all, what is accepted waits for its worker.
        if self.accepts {
            return None;
        }
        progress.look(self.is_connected()).trouble
    }

    /// What keeps accepted events from the broker. They go to the spool, and somebody has to look all the same.
    fn away_from_broker(&self) -> Option<String> {
        let broker = self.broker.as_ref().filter(|_| self.accepts)?;
        match &*broker.publish.state().borrow() {
            ConnectionState::Blocked(_) => Some(
                "the broker takes no messages (an alarm of its memory or disk): events go to the spool"
                    .to_owned(),
            ),
            ConnectionState::Down(why) => Some(format!("the broker is away ({why}): events go to the spool")),
            ConnectionState::Connecting | ConnectionState::Up(_) => None,
        }
    }

    fn is_connected(&self) -> bool {
        self.broker
            .as_ref()
            .is_some_and(|broker| broker.consume.current().is_some())
    }

    fn report(&self, trouble: Option<String>) -> Report {
        let trouble = trouble.or_else(|| self.away_from_broker());
        let Some(progress) = &self.progress else {
            let doing = if self.accepts { "accepts events" } else { "answers" };
            return Report {
                doing: doing.to_owned(),
                trouble,
                ..Report::default()
            };
        };
        let seen = progress.look(self.is_connected());
        Report {
            doing: format!("{} of {} lanes have a batch", seen.busy, seen.lanes),
            trouble: trouble.or(seen.trouble),
            oldest_at: seen.oldest_at,
            delivered_at: seen.delivered_at,
        }
    }
}
