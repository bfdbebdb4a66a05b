//! What outsiders have sent, as operators see it: no control character of theirs reaches the terminal or a file raw.

use commissary_tests::{Queue, World};
use serde_json::json;

/// The text columns in which somebody's words may stand: what is left out has words of ours, or is a key to something else.
const COLUMNS: &str = "
    SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t
        ON t.table_name = c.table_name AND t.table_schema = c.table_schema AND t.table_type = 'BASE TABLE'
    WHERE c.table_schema = 'public' AND c.data_type = 'text' AND c.is_generated = 'NEVER'
        AND c.table_name !~ '_sqlx|settings|_p[0-9]'
        AND c.column_name !~ 'status|kind|dialect|currency|code|hash|slug|scope|method|timezone|role|type|category|coupon|recurrence'";
/// ESC, a CSI of C1, DEL, and an end of line that begins another.
const HOSTILE: &str = "chr(27) || '[2J' || chr(155) || '31m' || chr(127) || chr(13) || chr(10) || 'forged'";

/// Changes every one of [`COLUMNS`], but those whose tables forbid it.
async fn rewrite(world: &World, value: &str) {
    world
        .sql(&format!(
            "DO $$ DECLARE place record; BEGIN FOR place IN {COLUMNS} LOOP BEGIN
                 EXECUTE format('UPDATE %1$I SET %2$I = {} WHERE %2$I IS NOT NULL', place.table_name, place.column_name);
             EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$",
            value.replace('\'', "''")
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_control_character_of_outsiders_is_printed() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    shop.track("sold", 100).await.expect(200);
    shop.track_as(
        "demo-key",
        "NOBODYS",
        &json!({"order_id": "lost", "total_amount": 1, "customer": {"email": "a@b"}}),
    )
    .await
    .expect(200);
    shop.track_as(
        "demo-key",
        "PARTNER_CODE",
        &json!({"order_id": "wrong", "total_amount": "x"}),
    )
    .await
    .expect(400);
    world.until("count(*) > 0 FROM rejections").await;
    let id = world.sql("SELECT max(event_id::text) FROM events").await;
    rewrite(&world, &format!("%2$I || {HOSTILE}")).await;
    let changed = format!("SELECT count(*) FROM conversions WHERE external_id LIKE '%' || {HOSTILE}");
    assert_eq!(world.count(&changed).await, 1);

    let hostile = "sold\u{1b}[2J\u{9b}31m\u{7f}\r\nforged";
    let mut shown = 0;
    for arguments in [
        ["events", "list"].as_slice(),
        &["events", "show", &id],
        &["dlq", "list", "--refused"],
        &["dlq", "show", &id],
        &["keys", "list", "--org", "demo"],
        &["audit"],
        &["audit", "verify"],
        &["rejections"],
        &["explain", hostile],
        &["explain", "no\u{1b}[2J such\u{9b}order"],
        &["ledger", "statement", "patpartner", "--org", "demo"],
        &[
            "ledger",
            "statement",
            "patpartner",
            "--org",
            "demo",
            "--format",
            "csv",
        ],
        &["ledger", "statement", "\u{1b}[2Jnobody"],
        &["ledger", "check"],
        &["events", "show", "\u{1b}[2J"],
        &["doctor"],
        &["commissions", "approve", "--org", "\u{1b}[2J\u{9b}", "--yes"],
        &["import", "/nowhere/\u{1b}[2J\u{9b}", "--org", "demo"],
    ] {
        for json in [false, true] {
            let mut arguments = arguments.to_vec();
            if json {
                arguments.push("--json");
            }
            let said = world.commissary(&arguments).await;
            for text in [&said.out, &said.error] {
                let raw = text.chars().find(|c| c.is_control() && *c != '\n');
                assert_eq!(raw, None, "{arguments:?}: {text:?}");
                // A cell of CSV may have lines, in its quotes.
                let is_csv = arguments.contains(&"csv");
                assert!(
                    is_csv || !text.lines().any(|line| line.trim_start().starts_with("forged")),
                    "{arguments:?}: {text}"
                );
                shown += usize::from(text.contains('\u{fffd}') || text.contains("\\u001b"));
            }
        }
    }
    assert!(shown > 10, "hostile values were looked at: {shown}");
    assert!(!world.ingest.log().contains('\u{1b}') && !world.api.log().contains('\u{1b}'));
    rewrite(&world, &format!("replace(%2$I, {HOSTILE}, '')")).await;
    world.finish().await;
}
