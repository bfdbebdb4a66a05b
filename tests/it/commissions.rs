//! Many commissions at once at the command line: approved, disapproved, recalculated.

use commissary_tests::{Queue, World};
use serde_json::{Value, json};

/// Sales of 100 in johns-affiliate-program, 10 percent each, pending.
async fn sold(world: &World, orders: &[&str]) {
    for order in orders {
        let sale = json!({"external_id": order, "coupon": "PETER10", "amount": 100});
        world.shop.rest("/conversions/", &sale).await.expect(200);
    }
}

async fn commissions(world: &World, words: &[&str]) -> Value {
    let mut arguments = vec!["commissions", words[0], "--org", "demo", "--json"];
    arguments.extend(&words[1..]);
    world.commissary(&arguments).await.well().json()
}

/// How many commissions are so.
async fn count(world: &World, condition: &str) -> i64 {
    world
        .count(&format!("SELECT count(*) FROM commissions WHERE {condition}"))
        .await
}

async fn is_refused(world: &World, words: &[&str], why: &str) {
    let output = world.commissary(words).await;
    assert_eq!(output.code, Some(1), "{words:?}: {output:?}");
    assert!(output.error.contains(why), "{words:?}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_commissions_are_approved_and_disapproved() {
    let world = World::start(Queue::Spool).await;
    sold(&world, &["o1", "o2"]).await;
    let dry = commissions(&world, &["approve", "--affiliate", "peterpeterson", "--dry-run"]).await;
    assert_eq!(
        dry,
        json!({"selected": 2, "changed": 0, "more": false, "amounts": {"USD": "20"}})
    );
    assert_eq!(count(&world, "approved").await, 0);
    // Nobody is there to ask.
    let unasked = [
        "commissions",
        "approve",
        "--org",
        "demo",
        "--affiliate",
        "peterpeterson",
    ];
    is_refused(&world, &unasked, "--yes").await;
    let done = commissions(
        &world,
        &["approve", "--affiliate", "peterpeterson", "--yes", "--as", "ada"],
    )
    .await;
    assert_eq!((&done["selected"], &done["changed"]), (&json!(2), &json!(2)));
    assert_eq!(count(&world, "approved AND payable = 10").await, 2);

    sold(&world, &["o3"]).await;
    let program = ["disapprove", "--program", "johns-affiliate-program", "--yes"];
    assert_eq!(commissions(&world, &program).await["changed"], json!(1));
    assert_eq!(count(&world, "NOT approved AND pending = 0").await, 1);
    assert_eq!(
        commissions(&world, &program).await["selected"],
        json!(0),
        "what is decided stays"
    );
    let early = ["approve", "--before", "2001-01-01", "--dry-run"];
    assert_eq!(commissions(&world, &early).await["selected"], json!(0));
    let table = world
        .commissary(&[
            "commissions",
            "approve",
            "--org",
            "demo",
            "--affiliate",
            "peterpeterson",
            "--yes",
        ])
        .await
        .well();
    assert!(table.out.contains("no pending commission matches"), "{table:?}");

    let of =
        |verb, org, rest: [&'static str; 2]| ["commissions", verb, "--org", org, rest[0], rest[1], "--yes"];
    for (words, why) in [
        (of("approve", "demo", ["--program", "nowhere"]), "is not known"),
        (
            of("approve", "demo", ["--affiliate", "otheroscar"]),
            "is not known",
        ),
        (
            of("disapprove", "nobody", ["--program", "johns-affiliate-program"]),
            "there is no organisation",
        ),
    ] {
        is_refused(&world, &words, why).await;
    }
    let trail = world
        .commissary(&["audit", "--org", "demo", "--actor", "ada", "--json"])
        .await
        .well()
        .json();
    assert_eq!(trail.as_array().unwrap().len(), 2, "{trail}");
    world.finish().await;
}

/// A program with another rate, as a partial file of a shop says it.
const RATES: &str = r#"
[orgs.demo.programs.johns-affiliate-program]
title = "John's affiliate program"
default = true
currency = "USD"
types.standard.percentage = 12
"#;

async fn recalculated(world: &World, more: &[&str]) -> Value {
    let words = [&["recalculate", "--affiliate", "peterpeterson"], more].concat();
    commissions(world, &words).await
}

/// The standard type has been 12 percent since yesterday.
async fn change_rate(world: &World) {
    world
        .sql(
            "INSERT INTO commission_types
                 (org_id, program_id, identifier, title, valid_from, form, value, recurrence, count_towards_cap, group_overrides)
             SELECT t.org_id, t.program_id, t.identifier, t.title, now() - interval '1 day', 'percentage', 12, t.recurrence,
                    t.count_towards_cap, t.group_overrides
               FROM commission_types t JOIN programs p USING (org_id, program_id)
              WHERE p.slug = 'johns-affiliate-program' AND t.identifier = 'standard'",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_supposed_and_a_backdated_one_previewed() {
    let world = World::start(Queue::Spool).await;
    sold(&world, &["o1", "o2"]).await;
    let same = recalculated(&world, &["--dry-run"]).await;
    assert_eq!((&same["selected"], &same["changed"]), (&json!(2), &json!(0)));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rates.toml");
    std::fs::write(&file, RATES).unwrap();
    let file = file.to_str().unwrap();
    let supposed = recalculated(&world, &["--with", file, "--rules-from", "2days", "--dry-run"]).await;
    let total = json!({"from": "20", "to": "24", "difference": "4"});
    assert_eq!(supposed["totals"]["USD"], total, "{supposed}");
    let still = recalculated(&world, &["--dry-run"]).await;
    assert_eq!(still["changed"], json!(0), "they were only supposed");

    change_rate(&world).await;
    let preview = recalculated(&world, &["--dry-run", "--limit", "1"]).await;
    assert_eq!(preview["totals"]["USD"], total);
    assert_eq!(
        (&preview["preview"], &preview["more"]),
        (&json!(true), &json!(true))
    );
    let first = &preview["commissions"][0];
    assert_eq!(
        (&first["external_id"], &first["to"]),
        (&json!("o1"), &json!("12"))
    );
    let by_time = [
        "commissions",
        "recalculate",
        "--org",
        "demo",
        "--from",
        "1day",
        "--dry-run",
    ];
    let table = world.commissary(&by_time).await.well();
    let told = "2 commissions of 2 conversions would change, 4 USD in all";
    assert!(
        table.out.contains("12.00 USD") && table.out.contains(told),
        "{table:?}"
    );
    assert_eq!(count(&world, "gross = 12").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backdated_rate_is_applied_on_request() {
    let world = World::start(Queue::Spool).await;
    sold(&world, &["o1"]).await;
    commissions(&world, &["approve", "--affiliate", "peterpeterson", "--yes"]).await;
    sold(&world, &["o2"]).await;
    change_rate(&world).await;
    let unasked = [
        "commissions",
        "recalculate",
        "--org",
        "demo",
        "--affiliate",
        "peterpeterson",
    ];
    is_refused(&world, &unasked, "--yes").await;
    let done = recalculated(&world, &["--yes", "--as", "ada"]).await;
    let total = json!({"from": "20", "to": "24", "difference": "4"});
    assert_eq!((&done["changed"], &done["totals"]["USD"]), (&json!(2), &total));
    assert_eq!(count(&world, "gross = 12 AND payable = 12").await, 1);
    assert_eq!(count(&world, "gross = 12 AND pending = 12").await, 1);
    let again = recalculated(&world, &["--yes"]).await;
    assert_eq!((&again["preview"], &again["changed"]), (&json!(false), &json!(0)));
    let explained = world
        .commissary(&["explain", "o1", "--org", "demo"])
        .await
        .well()
        .out;
    for words in ["12 % of 100", "its recalculation by the rules of its time"] {
        assert!(explained.contains(words), "{explained}");
    }
    for (option, value) in [("--program", "nowhere"), ("--affiliate", "otheroscar")] {
        let words = [
            "commissions",
            "recalculate",
            "--org",
            "demo",
            option,
            value,
            "--yes",
        ];
        is_refused(&world, &words, "is not known").await;
    }
    let trail = ["audit", "--org", "demo", "--actor", "ada", "--json"];
    let trail = world.commissary(&trail).await.well().json();
    assert_eq!(trail.as_array().unwrap().len(), 2, "{trail}");
    assert_eq!(trail[0]["action"], "recalculate_commissions");
    world.finish().await;
}
