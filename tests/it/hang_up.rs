//! Clients that say no more once their request is sent: what came whole is recorded, and answered if anybody listens.

use commissary_tests::{Queue, World};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

on_both_queues!(a_request_that_came_whole_stands);

/// Enough that one in two would not be all.
const EACH: usize = 10;

async fn a_request_that_came_whole_stands(queue: Queue) {
    let world = World::start(queue).await;
    let address = world.shop.ingest.strip_prefix("http://").unwrap();
    let send = async |order: &str| {
        let body = json!({"order_id": order, "total_amount": 1, "customer": {"email": "a@b"}}).to_string();
        let request = format!(
            "POST /api/affiliates/track/PARTNER_CODE HTTP/1.1\r\nHost: {address}\r\nY-API-Key: demo-key\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    for number in 0..EACH {
        let mut stream = send(&format!("half-{number}")).await;
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("comm_"),
            "{answer:?}"
        );
    }
    for number in 0..EACH {
        drop(send(&format!("gone-{number}")).await);
    }
    world
        .until(&format!("count(*) = {} FROM conversions", 2 * EACH))
        .await;
    world.finish().await;
}
