//! Traces and logs: one event is found from its caller to the worker, by its trace and by its id.

use commissary_tests::{Collector, Exported, Queue, World};

on_both_queues!(
    a_sale_is_traced_from_its_caller_to_the_worker,
    a_callers_trace_travels_though_nobody_traces,
    the_log_lines_of_an_event_are_found_by_its_id,
);

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const SPAN: u128 = 0x00f0_67aa_0ba9_02b7;

/// The id that the bytes are.
fn id(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |id, byte| id << 8 | u128::from(*byte))
}

async fn a_sale_is_traced_from_its_caller_to_the_worker(queue: Queue) {
    let collector = Collector::start().await;
    let world = World::of(queue)
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)
        // So that it is the end of the processes that exports.
        .variable("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .worker_variable("OTEL_SERVICE_NAME", "till-worker")
        .start()
        .await;
    let traceparent = format!("00-{TRACE:032x}-{SPAN:016x}-01");
    let headers = [("traceparent", traceparent.as_str())];
    world.shop.track_with("traced", 100, &headers).await.expect(200);
    world.finish().await;

    let requests = collector.spans("http.request");
    let of_sale = |exported: &&Exported| id(&exported.span.trace_id) == TRACE;
    let request = requests.iter().find(of_sale).unwrap();
    assert_eq!(request.service, "commissary-ingest");
    assert_eq!(id(&request.span.parent_span_id), SPAN);

    let batches = collector.spans("batch");
    let batch = batches.iter().find(|batch| !batch.span.links.is_empty());
    let batch = batch.unwrap();
    assert_eq!(batch.service, "till-worker");
    let [link] = batch.span.links.as_slice() else {
        panic!("one event, one link: {batch:?}")
    };
    assert_eq!(
        (id(&link.trace_id), id(&link.span_id)),
        (TRACE, id(&request.span.span_id))
    );
    assert_ne!(id(&batch.span.trace_id), TRACE, "a batch is many callers' work");
    let applied = collector.spans("apply");
    assert!(
        applied
            .iter()
            .any(|apply| apply.span.parent_span_id == batch.span.span_id),
        "{applied:?}"
    );
}

async fn a_callers_trace_travels_though_nobody_traces(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    let traceparent = format!("00-{TRACE:032x}-{SPAN:016x}-00");
    let receipt = ("Prefer", "respond-async");
    let with = [receipt, ("traceparent", traceparent.as_str())];
    world.shop.track_with("traced", 100, &with).await.expect(202);
    world
        .shop
        .track_with("odd", 100, &[receipt, ("traceparent", "00-odd")])
        .await
        .expect(202);
    if queue == Queue::Spool {
        let traced = "count(*) FROM spool WHERE convert_from(envelope, 'UTF8')";
        let own = format!("{traced} LIKE '%\"trace\":\"{traceparent}\"%'");
        assert_eq!(world.count(&format!("SELECT {own}")).await, 1);
        let any = format!("{traced} LIKE '%\"trace\"%'");
        assert_eq!(world.count(&format!("SELECT {any}")).await, 1);
    }
    world.start_worker(None).await;
    world.until("count(*) = 2 FROM conversions").await;
    world.finish().await;
}

async fn the_log_lines_of_an_event_are_found_by_its_id(queue: Queue) {
    let mut world = World::of(queue)
        .log("info,common=debug,ingest=debug,worker=debug")
        .start()
        .await;
    let headers = [("X-Request-Id", "req-7"), ("Prefer", "respond-async")];
    let receipt = world.shop.track_with("logged", 100, &headers).await.expect(202);
    let event = receipt.text("/event_id");
    world.until("count(*) = 1 FROM conversions").await;
    for line in [
        "an event is handed to a publisher",
        "an event is put into an envelope",
    ] {
        found(&world.ingest.logged(line, 1).await, &event);
    }
    for line in ["an event is taken", "an event is decided"] {
        let line = world.workers[0].logged(line, 1).await;
        found(&line, &event);
        found(&line, "req-7");
        found(&line, "batch{");
    }
    world.finish().await;
}

fn found(line: &str, what: &str) {
    assert!(line.contains(what), "{what} in {line}");
}
