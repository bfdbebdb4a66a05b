use super::*;
use crate::{
    catalog,
    db::{self, Pool, floor, ledger_check},
    runtime::Clock,
};

#[sqlx::test]
async fn the_books_are_right_afterwards_and_the_floor_has_the_same_rows(pool: Pool) {
    use sqlx::ConnectOptions as _;
    let server = secrecy::SecretString::from(pool.connect_options().to_url_lossy().as_str());
    let scratch = ScratchDatabase::make(&server, "bench").await.unwrap();
    let own = db::connect(&scratch.url, 3, "test").await.unwrap();
    db::migrate(&own).await.unwrap();
    let now = Clock::default().now();
    let world = "[orgs.bench]\ntitle = \"Bench\"\nowner = { id = \"b\", name = \"B\" }\n[orgs.bench.programs.bench]\ntitle = \"Bench\"\n\
                 default = true\ncurrency = \"USD\"\ncookie_time = 45\napproval = \"manual\"\ntypes.standard.percentage = 10\n\
                 [orgs.bench.affiliates.one]\nfirstname = \"O\"\nlastname = \"ne\"\nprograms.bench = { coupon = \"ONE\" }\n";
    catalog::sync(&own, &catalog::parse(world).unwrap(), now)
        .await
        .unwrap();
    floor::make_tables(&own).await.unwrap();
    let mut told = Vec::new();
    store(&scratch, 250, |done| told.push(done)).await.unwrap();
    assert_eq!(told, [250]);
    let report = ledger_check::run(&own, now, |_| {}).await.unwrap();
    assert_eq!(report.violations, []);
    for table in [
        "SELECT count(*) FROM conversions",
        "SELECT count(*) FROM floor.conversions",
        "SELECT count(*) FROM floor.transfers",
    ] {
        let count: i64 = sqlx::query_scalar(table).fetch_one(&own).await.unwrap();
        assert_eq!(count, 250, "{table}");
    }
    floor::per_second(&own, std::time::Duration::from_millis(1))
        .await
        .unwrap();
    own.close().await;
    scratch.drop().await.unwrap();
}
