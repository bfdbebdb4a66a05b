//! The one place that starts tasks: each has a name and belongs to a group, is started again when it breaks, and is waited
//! for when the process ends. Nobody else may spawn.
//!
//! A process ends in two steps. The first signal, or a task that has failed for good, is the soft stop: the groups end one
//! after another, the last one first, as each builds on those before it, and each finishes what is at hand. A second signal
//! is the hard stop and ends the process at once; so does, with a failure, a group that takes too long.
//!
//! What must never live here: what a task does.

#[cfg(test)]
mod tests;

use std::{
    error::Error,
    io,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use futures_util::FutureExt as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::telemetry::{self, metrics};

/// How long all groups together may take to end. Kubernetes kills after 30 s.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);
/// Between the end of a task that should have gone on and its next start: from the first to the second, doubling.
const RESTART_FIRST: Duration = Duration::from_millis(500);
const RESTART_MOST: Duration = Duration::from_secs(30);
/// A task that ran so long had nothing wrong with it at its start: the wait starts over.
const STABLE_AFTER: Duration = Duration::from_mins(1);
/// The exit status after a second signal: that of a program which SIGINT has killed.
const EXIT_HARD_STOP: i32 = 130;

/// Watches over all tasks of a process.
#[derive(Debug, Default)]
pub struct Supervisor {
    process: Arc<Process>,
    groups: Mutex<Vec<TaskGroup>>,
}

#[derive(Debug, Default)]
struct Process {
    stop: CancellationToken,
    failures: Mutex<Vec<String>>,
}

/// Tasks that end together. Clones are the same group.
#[derive(Clone, Debug)]
pub struct TaskGroup(Arc<Group>);

#[derive(Debug)]
struct Group {
    name: &'static str,
    drain: Duration,
    stop: CancellationToken,
    tracker: TaskTracker,
    /// The names of those that run, without the short-lived.
    running: Mutex<Vec<String>>,
    process: Arc<Process>,
}

/// The process did not end well: tasks that failed, and those that did not end in time.
#[derive(Debug, thiserror::Error)]
#[error("{}", failures.join("; "))]
pub struct Unclean {
    failures: Vec<String>,
}

impl Supervisor {
    /// For a process that is asked to end otherwise than by signals, as tests are.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a process that SIGINT and SIGTERM end. The first one is answered in the log with what is done `first`; a second
    /// one exits at once, with status 130.
    ///
    /// # Errors
    /// When signals cannot be handled.
    pub fn of_process(first: &'static str) -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let supervisor = Self::new();
        let stop = supervisor.stop();
        let signals = async move {
            for count in 0.. {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if count > 0 {
                    std::process::exit(EXIT_HARD_STOP);
                }
                tracing::info!("stopping: {first}; a second signal ends at once");
                stop.cancel();
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "it outlives all groups: nothing waits for it"
        )]
        tokio::spawn(signals);
        Ok(supervisor)
    }

    /// Asks the process to end, when cancelled; cancelled when it is ending.
    pub fn stop(&self) -> CancellationToken {
        self.process.stop.clone()
    }

    /// A group of tasks that may take `drain` to finish what is at hand. It ends before the groups made earlier.
    pub fn group(&self, name: &'static str, drain: Duration) -> TaskGroup {
        let group = TaskGroup(Arc::new(Group {
            name,
            drain,
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            running: Mutex::default(),
            process: Arc::clone(&self.process),
        }));
        lock(&self.groups).push(group.clone());
        group
    }

    /// Waits for the stop, then ends the groups, the last one first.
    ///
    /// # Errors
    /// [`Unclean`] when a task has failed for good, or a group has not ended in time.
    pub async fn finish(self) -> Result<(), Unclean> {
        self.process.stop.cancelled().await;
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        let groups = std::mem::take(&mut *lock(&self.groups));
        for group in groups.into_iter().rev() {
            group.end(deadline).await;
        }
        let failures = std::mem::take(&mut *lock(&self.process.failures));
        if failures.is_empty() {
            Ok(())
        } else {
            Err(Unclean { failures })
        }
    }
}

impl TaskGroup {
    /// Cancelled when the group is to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Keeps a task running until the group ends; it is dropped then, wherever it is. Whenever it panics, or ends by
    /// itself, `start` starts it again after a pause.
    pub fn keep<F>(&self, name: impl Into<String>, mut start: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.keep_draining(name, move |stop| {
            let task = start();
            async move {
                stop.run_until_cancelled_owned(task).await;
            }
        });
    }

    /// As [`TaskGroup::keep`], for a task that must finish what is at hand: it is told of the end, and waited for.
    pub fn keep_draining<F>(
        &self,
        name: impl Into<String>,
        start: impl FnMut(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        metrics::task_restarts(&name, 0);
        let (label, stop) = (name.clone(), self.0.stop.clone());
        self.start(name, async move { keep_running(&label, start, &stop).await });
    }

    /// Runs a task once. When it fails or panics the process ends with that failure: there is no starting it again.
    pub fn spawn<E>(
        &self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Error + Send + 'static,
    {
        let name = name.into();
        let (label, process) = (name.clone(), Arc::clone(&self.0.process));
        self.start(name, async move {
            match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => process.fail(format!("{label}: {}", telemetry::chain(&error))),
                Err(_panic) => process.fail(format!("{label} panicked")),
            }
        });
    }

    /// Runs one of many short-lived tasks, a connection or a request that outlives its caller. It costs little more than a
    /// bare task: it is waited for at the end, and the log has its name when it panics.
    pub fn detach<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.track(async move {
            AssertUnwindSafe(task)
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| {
                    tracing::error!(task = name, "a task panicked");
                    resume_unwind(panic)
                })
        })
    }

    fn start(&self, name: String, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.0.running).push(name.clone());
        let group = self.clone();
        self.track(async move {
            task.await;
            let mut running = lock(&group.0.running);
            if let Some(index) = running.iter().position(|other| *other == name) {
                running.swap_remove(index);
            }
        });
    }

    #[expect(clippy::disallowed_methods, reason = "this is what the others use instead")]
    fn track<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.tracker.spawn(task)
    }

    /// Ends the group, by its own time or the process's.
    async fn end(&self, deadline: Instant) {
        let group = &self.0;
        group.stop.cancel();
        group.tracker.close();
        let deadline = deadline.min(Instant::now() + group.drain);
        if timeout_at(deadline, group.tracker.wait()).await.is_err() {
            let (tasks, running) = (group.tracker.len(), lock(&group.running).join(", "));
            let named = if running.is_empty() {
                String::new()
            } else {
                format!(", among them {running}")
            };
            group.process.fail(format!(
                "{}: {tasks} tasks did not end in time{named}",
                group.name
            ));
        }
    }
}

impl Process {
    fn fail(&self, failure: String) {
        tracing::error!(failure, "the process ends with a failure");
        lock(&self.failures).push(failure);
        self.stop.cancel();
    }
}

/// Runs a task until the stop, however often it breaks.
async fn keep_running<F: Future<Output = ()>>(
    name: &str,
    mut start: impl FnMut(CancellationToken) -> F,
    stop: &CancellationToken,
) {
    let mut pauses = pauses();
    loop {
        let began = Instant::now();
        let ended = AssertUnwindSafe(async { start(stop.clone()).await })
            .catch_unwind()
            .await;
        let how = if ended.is_ok() { "ended" } else { "panicked" };
        if stop.is_cancelled() {
            if ended.is_err() {
                tracing::error!(task = name, "a task panicked at its end");
            }
            return;
        }
        if began.elapsed() >= STABLE_AFTER {
            pauses = self::pauses();
        }
        let pause = pauses.next().unwrap_or(RESTART_MOST);
        metrics::task_restarts(name, 1);
        tracing::error!(
            task = name,
            pause_ms = pause.as_millis(),
            "a task {how}; it is started again"
        );
        if stop.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(RESTART_FIRST)
        .with_max_delay(RESTART_MOST)
        .without_max_times()
        .with_jitter()
        .build()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
