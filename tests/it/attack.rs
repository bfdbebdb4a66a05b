//! Strangers without a key who hold what they can: the short form of scripts/attack, on each role that serves.

use std::{path::Path, process::Stdio};

use commissary_tests::{Queue, World};
use serde_json::Value;
use tokio::process::Command;

/// Hundreds of slow and deaf clients for a few seconds. How much slower a neighbour is on a busy machine, nobody can tell: that it is
/// answered, and how much memory it costs, can be.
async fn attack(base: &str, pid: u32, options: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/attack");
    let pid = pid.to_string();
    let ran = Command::new(script)
        .args(["--base", base, "--pid", &pid, "--slow", "300", "--deaf", "150"])
        .args(["--calm", "0.5", "--seconds", "4", "--most-times", "0"])
        .args(options)
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{base}: {told}");
    serde_json::from_str(&told).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_hold_neither_memory_nor_neighbours() {
    let world = World::start(Queue::Spool).await;
    let api = attack(&world.shop.api, world.api.pid(), &[]).await;
    let pixel = "/p/demo-pixel.gif?external_id=1&coupon=PARTNER_CODE&amount=1";
    let options = [
        "--body",
        "/api/v1/track/click",
        "--ask",
        "/metrics",
        "--neighbour",
        pixel,
    ];
    let ingest = attack(&world.shop.ingest, world.ingest.pid(), &options).await;
    for told in [api, ingest] {
        assert!(
            told["neighbour_during_ms"]["calls"].as_u64().unwrap() > 10,
            "{told}"
        );
    }
    world.finish().await;
}
