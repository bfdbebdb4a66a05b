//! What the supervisor promises: restarts, order of the end, failures.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::*;

const LONG: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
#[error("it broke")]
struct Broke;

#[tokio::test]
async fn a_task_that_panics_or_ends_is_started_again() {
    let supervisor = Supervisor::new();
    let group = supervisor.group("group", LONG);
    let starts = Arc::new(AtomicUsize::new(0));
    let reached = CancellationToken::new();
    group.keep("breaks", {
        let (starts, reached) = (Arc::clone(&starts), reached.clone());
        move || {
            let start = starts.fetch_add(1, Ordering::SeqCst);
            let reached = reached.clone();
            async move {
                match start {
                    0 => panic!("the first breaks"),
                    1 => {}
                    _ => {
                        reached.cancel();
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    });
    reached.cancelled().await;
    supervisor.stop().cancel();
    supervisor.finish().await.unwrap();
    assert_eq!(starts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn groups_end_in_turn_and_finish_what_is_at_hand() {
    let supervisor = Supervisor::new();
    let ended = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second", "third"] {
        let group = supervisor.group(name, LONG);
        let ended = Arc::clone(&ended);
        group.keep_draining(name, move |stop| {
            let ended = Arc::clone(&ended);
            async move {
                stop.cancelled().await;
                tokio::task::yield_now().await;
                lock(&ended).push(name);
            }
        });
    }
    supervisor.stop().cancel();
    supervisor.finish().await.unwrap();
    assert_eq!(*lock(&ended), ["third", "second", "first"]);
}

#[tokio::test]
async fn a_task_that_fails_for_good_ends_the_process_with_that_failure() {
    let supervisor = Supervisor::new();
    let group = supervisor.group("group", LONG);
    group.spawn("fails", async { Err(Broke) });
    let unclean = supervisor.finish().await.unwrap_err();
    assert_eq!(unclean.to_string(), "fails: it broke");

    let supervisor = Supervisor::new();
    let group = supervisor.group("group", LONG);
    group.spawn::<Broke>("panics", async { panic!("it panics") });
    let unclean = supervisor.finish().await.unwrap_err();
    assert_eq!(unclean.to_string(), "panics panicked");
}

#[tokio::test]
async fn a_task_that_does_not_end_in_time_is_named_and_holds_nobody_up() {
    let supervisor = Supervisor::new();
    let group = supervisor.group("slow", Duration::from_millis(20));
    group.keep_draining("lane 0", |_stop| std::future::pending());
    group.detach("a connection", std::future::pending::<()>());
    supervisor.stop().cancel();
    let unclean = supervisor.finish().await.unwrap_err();
    assert_eq!(
        unclean.to_string(),
        "slow: 2 tasks did not end in time, among them lane 0"
    );
}

#[tokio::test]
async fn a_short_lived_task_outlives_its_caller_and_is_waited_for() {
    let supervisor = Supervisor::new();
    let group = supervisor.group("requests", LONG);
    let (go_on, goes_on) = oneshot::channel::<()>();
    let done = Arc::new(AtomicUsize::new(0));
    drop(group.detach("a request", {
        let done = Arc::clone(&done);
        async move {
            goes_on.await.unwrap();
            done.fetch_add(1, Ordering::SeqCst);
        }
    }));
    supervisor.stop().cancel();
    let finished = supervisor.finish();
    go_on.send(()).unwrap();
    finished.await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[test]
fn the_pause_before_a_restart_grows_to_a_bound() {
    let all: Vec<Duration> = pauses().take(20).collect();
    assert!(all.first().is_some_and(|first| *first >= RESTART_FIRST));
    assert!(all.iter().all(|pause| *pause <= RESTART_MOST * 2));
    assert!(all.last().is_some_and(|last| *last >= RESTART_MOST));
}
