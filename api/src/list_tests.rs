//! No list reads more than its page needs: the shorter form of `scripts/list-bench`, with the same world and the same calls. What is
//! counted are blocks, not milliseconds, so that a busy machine changes nothing.

use common::testing;

use crate::testing::Client;

const CALLS: &str = include_str!("../../scripts/lib/lists.cases");
const WORLD: &str = concat!(
    "SET lists.rows = 60000;",
    include_str!("../../scripts/lib/lists.sql")
);
/// Blocks that a call may read. Its page and its total need a few hundred: the total is counted up to 10,000 rows. A walk through
/// all rows of a table reads some thousands here, and more with every sale.
const MAX_BLOCKS: i64 = 1_000;

#[tokio::test]
async fn no_list_reads_more_than_its_page_needs() {
    let database = testing::database().await;
    database.run(WORLD).await;
    database.run("VACUUM ANALYZE").await;
    let pool = testing::one_connection(&database).await;
    let client = Client::over(&pool);
    let calls: Vec<&str> = CALLS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(calls.len() > 100);
    let mut read_too_much = Vec::new();
    for call in calls {
        let call = call
            .replace("OLD_DAY", &day_before(700))
            .replace("OLD_MONTH", &day_before(670));
        let (key, path) = call.split_once(' ').unwrap();
        let before = testing::blocks_read(&pool).await;
        let answer = client.with_key(key).get(path).await;
        assert_eq!(answer.status, 200, "{call}: {}", answer.json);
        let read = testing::blocks_read(&pool).await - before;
        if read > MAX_BLOCKS {
            read_too_much.push((call, read));
        }
    }
    assert!(read_too_much.is_empty(), "{read_too_much:#?}");
}

fn day_before(days: i64) -> String {
    let today = common::runtime::Clock::default().now();
    (today - chrono::TimeDelta::days(days))
        .format("%Y-%m-%d")
        .to_string()
}
