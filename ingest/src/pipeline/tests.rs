//! The pipeline against a real spool: its limits, and what callers hear when nothing answers.

use std::time::Duration;

use common::{
    db::{self, spool, spool_bulk},
    domain::{Body, CreateConversion, Dialect, Event, OrgId, Outcome, Refund},
    message::{Envelope, EventIds, MAX_ENVELOPE_BYTES, MAX_ENVELOPE_EVENTS, Reply},
    queue::{Instances, PendingReplies},
    runtime::{Clock, Supervisor},
    testing::{TestDatabase, database},
};
use futures_util::future::join_all;

use super::*;

fn event(padding: usize) -> Event {
    let clock = Clock::default();
    Event {
        id: EventIds::new(&"test".into())
            .unwrap()
            .issue(OrgId(1), clock.now()),
        org: Some(OrgId(1)),
        dialect: Dialect::Native,
        received_at: clock.now(),
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body: Body::CreateConversion(Box::new(CreateConversion {
            external_id: Some("x".repeat(padding)),
            ..CreateConversion::default()
        })),
    }
}

fn refund() -> Event {
    let body = Body::Refund(Refund {
        external_id: "x".to_owned(),
        amount: None,
        minor_units: None,
        refund_id: None,
    });
    Event { body, ..event(1) }
}

struct Fixture {
    database: TestDatabase,
    pipeline: Pipeline,
    instances: Instances,
    supervisor: Supervisor,
}

async fn pipeline() -> Fixture {
    let database = database().await;
    let (instances, supervisor) = (Instances::default(), Supervisor::new());
    let parts = PipelineParts {
        instance: "one".to_owned(),
        clock: Clock::default(),
        pool: database.pool.clone(),
        broker: None,
        instances: instances.clone(),
    };
    let pipeline = Pipeline::start(&parts, &supervisor.group("pipeline", DRAIN_TIMEOUT));
    Fixture {
        database,
        pipeline,
        instances,
        supervisor,
    }
}

impl Fixture {
    /// Ends the pipeline, then reads what it has spooled.
    async fn spooled(self) -> Vec<Vec<u8>> {
        self.supervisor.stop().cancel();
        self.supervisor.finish().await.unwrap();
        let mut transaction = db::begin(&self.database.pool).await.unwrap();
        let mut all = spool::take(&mut transaction, 0, 1000).await.unwrap();
        loop {
            let bulk = spool_bulk::take(&mut transaction, -1, &[], 1000).await.unwrap();
            let ids: Vec<i64> = bulk.iter().map(|row| row.spool_id).collect();
            spool::remove(&mut transaction, &ids).await.unwrap();
            all.extend(bulk);
            if ids.is_empty() {
                break;
            }
        }
        db::commit(transaction).await.unwrap();
        all.into_iter().map(|row| row.envelope).collect()
    }
}

#[tokio::test]
async fn envelopes_grow_with_the_load_up_to_their_limits() {
    let fixture = pipeline().await;
    let many = 3 * PUBLISHERS * MAX_ENVELOPE_EVENTS;
    let answers = join_all((0..many).map(|_| fixture.pipeline.submit(event(1), Wait::Receipt))).await;
    assert!(answers.iter().all(|answer| *answer == Answer::Accepted));
    let envelopes: Vec<usize> = fixture
        .spooled()
        .await
        .iter()
        .map(|bytes| Envelope::decode(bytes).unwrap().events.len())
        .collect();
    assert_eq!(envelopes.iter().sum::<usize>(), many);
    assert_eq!(
        envelopes.iter().max(),
        Some(&MAX_ENVELOPE_EVENTS),
        "{envelopes:?}"
    );
}

#[tokio::test]
async fn large_events_fill_an_envelope_by_their_bytes() {
    let fixture = pipeline().await;
    let large = 60 * 1024;
    join_all((0..32).map(|_| fixture.pipeline.submit(event(large), Wait::Receipt))).await;
    let sizes: Vec<usize> = fixture.spooled().await.iter().map(Vec::len).collect();
    assert!(
        sizes.iter().all(|size| *size <= MAX_ENVELOPE_BYTES + 1024),
        "{sizes:?}"
    );
    assert!(
        sizes.iter().any(|size| *size > 2 * large),
        "several share an envelope: {sizes:?}"
    );
}

#[tokio::test]
async fn bytes_that_wait_are_limited() {
    let fixture = pipeline().await;
    let large = 250 * 1024;
    let most = MAX_QUEUED_BYTES / large;
    let submit = |events| join_all((0..events).map(|_| fixture.pipeline.submit(event(large), Wait::Receipt)));
    // All are handed over before a publisher takes the first.
    let answers = submit(most + 50).await;
    let accepted = answers
        .iter()
        .filter(|answer| **answer == Answer::Accepted)
        .count();
    assert!(
        (most - 1..=most).contains(&accepted),
        "{accepted} of at most {most}"
    );
    // As many as bulk has room for, since most of them are more than their organisation's share.
    let again = MAX_BULK_BYTES / large - 1;
    let answers = submit(again).await;
    assert!(
        answers.iter().all(|answer| *answer == Answer::Accepted),
        "there is room again"
    );
    assert_eq!(
        fixture.spooled().await.len(),
        accepted + again,
        "each alone in its envelope"
    );
}

#[tokio::test]
async fn a_reply_answers_and_silence_becomes_a_receipt() {
    let fixture = pipeline().await;
    let pending: PendingReplies = fixture.instances.get("one").unwrap();
    let (answered, ignored) = (event(1), event(1));
    let id = answered.id;
    let wait = Wait::Outcome(Duration::from_millis(800));
    let reply = async {
        while pending.awaited(Duration::ZERO, 9).len() < 2 {
            tokio::task::yield_now().await;
        }
        pending.deliver([Reply {
            event_id: id,
            outcome: Outcome::Discarded,
        }]);
    };
    let submit = |event| fixture.pipeline.submit(event, wait);
    let (first, second, ()) = tokio::join!(submit(answered), submit(ignored), reply);
    assert_eq!(first, Answer::Outcome(Outcome::Discarded));
    assert_eq!(second, Answer::Accepted);
    assert_eq!(fixture.spooled().await.len(), 2, "both are durable");
}

#[tokio::test]
async fn when_no_outcome_comes_for_a_second_receipts_come_at_once() {
    let fixture = pipeline().await;
    let wait = Wait::Outcome(Duration::from_secs(10));
    let began = tokio::time::Instant::now();
    assert_eq!(fixture.pipeline.submit(event(1), wait).await, Answer::Accepted);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "long before its wait is over: {:?}",
        began.elapsed()
    );
}

/// Or it would be refused for its unknown order after its caller has gone with a receipt.
#[tokio::test]
async fn what_needs_an_order_is_waited_for_to_the_end() {
    let fixture = pipeline().await;
    let wait = Duration::from_secs(4);
    let stalled = async {
        fixture
            .pipeline
            .shared
            .stalled
            .clone()
            .wait_for(|stalled| *stalled)
            .await
            .unwrap();
        tokio::time::Instant::now()
    };
    let refunded = async {
        let answer = fixture.pipeline.submit(refund(), Wait::Outcome(wait)).await;
        (answer, tokio::time::Instant::now())
    };
    let (stalled, (answer, answered)) = tokio::join!(stalled, refunded);
    assert_eq!(answer, Answer::Accepted);
    assert!(
        answered - stalled > Duration::from_secs(1),
        "it waited on, though nothing came for anybody"
    );
}

#[tokio::test]
async fn a_full_pipeline_turns_callers_away() {
    // Alone, an organisation may have any number under way.
    let wait = Wait::Outcome(Duration::from_mins(1));
    let (sender, mut jobs) = mpsc::channel(QUEUED_PER_PUBLISHER);
    let (bulk, _bulk_jobs) = mpsc::channel(1);
    let shared = Shared {
        clock: Clock::default(),
        publishers: vec![sender],
        bulk,
        next: AtomicUsize::new(0),
        under_way: UnderWay::default(),
        pending: PendingReplies::default(),
        stalled: watch::channel(false).1,
        room: Arc::new(Semaphore::new(MAX_QUEUED_BYTES)),
        bulk_room: Arc::new(Semaphore::new(MAX_BULK_BYTES)),
        script: None,
    };
    let pipeline = Pipeline {
        shared: Arc::new(shared),
    };
    let mut waiting: Vec<_> = (0..QUEUED_PER_PUBLISHER)
        .map(|_| Box::pin(pipeline.submit(event(1), wait)))
        .collect();
    for submission in &mut waiting {
        assert!(futures_util::poll!(submission).is_pending());
    }
    let turned_away = pipeline.submit(event(1), wait).await;
    assert_eq!(
        turned_away,
        Answer::Unavailable {
            retry_after: RETRY_AFTER
        }
    );
    let job = jobs.recv().await.unwrap();
    job.durable.send(false).unwrap();
    let first = waiting.remove(0).await;
    assert_eq!(
        first,
        Answer::Unavailable {
            retry_after: RETRY_AFTER
        },
        "what could not be made durable is not accepted"
    );
}

#[tokio::test]
async fn more_than_a_few_events_of_a_call_wait_in_the_bulk_of_their_organisation() {
    let fixture = pipeline().await;
    let few = (0..share::MOST_LINES).map(|_| event(1)).collect();
    let many = (0..=share::MOST_LINES).map(|_| event(1)).collect();
    for events in [few, many] {
        let answers = fixture.pipeline.submit_all(events, Wait::Receipt).await;
        assert!(answers.iter().all(|answer| *answer == Answer::Accepted));
    }
    let waiting = "SELECT count(*) FROM spool WHERE bulk_of IS NULL";
    let bulk = "SELECT count(*) FROM spool WHERE bulk_of = 1";
    assert_eq!(fixture.database.count(waiting).await, 1);
    assert_eq!(fixture.database.count(bulk).await, 1);
    let of: Vec<_> = fixture
        .spooled()
        .await
        .iter()
        .map(|bytes| Envelope::decode(bytes).unwrap().bulk_of)
        .collect();
    assert_eq!(of, [None, Some(1)]);
}
