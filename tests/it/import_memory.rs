//! However a file is damaged, importing it takes the memory of a record and not of the file.

use std::{fs, io::Write as _, path::Path, time::Duration};

use commissary_tests::{Process, Queue, World, wait_for};

/// Bytes of each file: twice what the whole process may take beyond what it takes for an empty one.
const FILE: usize = 40 * 1024 * 1024;
const MOST_GROWTH_KIB: u64 = 20 * 1024;
/// Of a file that takes what a process takes anyway.
const RECORDS: u32 = 2_000;
/// Reading a file on a busy machine, unoptimised.
const READ: Duration = Duration::from_mins(3);

/// `head`, and then `piece` until the file is full.
fn fill(path: &Path, head: &str, piece: &str) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    let pieces = piece.repeat(64 * 1024 / piece.len());
    for _ in 0..FILE / pieces.len() {
        file.write_all(pieces.as_bytes()).unwrap();
    }
}

/// The memory that trying to import the file took at most.
async fn peak_kib(world: &World, path: &Path, said: &str) -> u64 {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let directory = path.parent().unwrap();
    let path = path.to_str().unwrap();
    let arguments = ["import", path, "--org", "demo", "--dry-run"];
    let mut import = Process::start(name, &mut world.command(&arguments), directory);
    let status = format!("/proc/{}/status", import.pid());
    let mut peak = 0;
    wait_for("the file is read", READ, async || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = kib.and_then(|kib| kib.split_whitespace().next()?.parse().ok());
        peak = peak.max(kib.unwrap_or_default());
        (!import.is_running()).then_some(())
    })
    .await;
    let all = format!("{}{}", import.out(), import.log());
    assert!(all.contains(said), "{path}: {all}");
    peak
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_takes_the_memory_of_a_record() {
    let world = World::start(Queue::Spool).await;
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let sale = "external_id,coupon,amount\n1,PARTNER_CODE,3\n";
    // As many as it takes to be looked at while it works.
    let small = directory.join("small.csv");
    let records: Vec<String> = (0..RECORDS).map(|n| format!("{n},PARTNER_CODE,3")).collect();
    fs::write(
        &small,
        format!("external_id,coupon,amount\n{}\n", records.join("\n")),
    )
    .unwrap();
    let usual = peak_kib(&world, &small, "records are events").await;
    let record = r#"{"external_id":"1","coupon":"PARTNER_CODE","amount":1}"#;
    for (name, head, piece, said) in [
        (
            "quote.csv",
            format!("{sale}2,\""),
            "x,y\n",
            "could not be imported",
        ),
        (
            "quotes.csv",
            format!("{sale}2,\""),
            "\"\"",
            "could not be imported",
        ),
        ("cells.csv", sale.to_owned(), ",", "could not be imported"),
        (
            "names.csv",
            "external_id".to_owned(),
            ",abcdefghi",
            "this is no table",
        ),
        ("name.csv", "external_id,\"".to_owned(), "abc\n", "is not closed"),
        (
            "line.ndjson",
            format!("{record}\n{{\"external_id\":\""),
            "abcdefghi ",
            "could not be imported",
        ),
        ("deep.json", format!("[{record},"), "[", "could not be imported"),
        (
            "text.json",
            format!("[{record},{{\"external_id\":\""),
            "abc\\n\n",
            "could not be imported",
        ),
    ] {
        let path = directory.join(name);
        fill(&path, &head, piece);
        let peak = peak_kib(&world, &path, said).await;
        fs::remove_file(&path).unwrap();
        assert!(
            peak <= usual + MOST_GROWTH_KIB,
            "{name}: {peak} KiB, {usual} KiB for a small file"
        );
    }
    world.finish().await;
}
