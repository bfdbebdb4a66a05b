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

/// Every command, with what it takes from outside. A word in braces stands for one of [`Words`].
const COMMANDS: &str = "
events list
events list --code {esc}
events show {id}
events show {esc}
events
events groups
dlq
dlq groups --org demo
dlq list --fingerprint {esc}
dlq list --customer {esc} --text {esc}
dlq list
dlq list --code {esc}
dlq show {id}
dlq replay {esc}
dlq discard --reason {esc} {id}
dlq discard --reason x {esc}
keys list --org demo
keys create --org demo --name {esc}
keys create --org {esc} --name x
keys revoke --org demo {esc}
audit
audit verify
rejections
explain {sold}
explain {esc}
ledger check
ledger statement patpartner --org demo
ledger statement patpartner --org demo --format csv
ledger statement {esc}
commissions approve --org {esc} --yes
commissions disapprove --org demo --affiliate {esc} --yes
commissions recalculate --org demo --program {esc} --yes
catalog export
catalog export --org {esc}
apply {catalog}
apply {unknown} --dry-run
import /nowhere/{esc} --org demo
import {orders} --org demo --dry-run
import {orders} --org demo
import {header} --org demo
import {orders} --org {esc}
pixel sign http://x/{esc} --secret s
grants --ingest-role {esc}
migrate --ingest-role {esc}
doctor
ready http://{esc}/
bench {esc}
bench --connections {esc}
{esc}
audit
";

/// What words in braces stand for.
struct Words {
    named: Vec<(&'static str, String)>,
    _directory: tempfile::TempDir,
}

impl Words {
    fn new(id: String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let orders = "external_id,coupon,amount\n\u{1b}[2J,\u{9b}31m,x\u{7f}\n\u{1b}]0;,PARTNER_CODE,1\n";
        let catalog = "[orgs.demo.programs.\"\\u001b[2J\\u009b\"]\nname = \"\\u001b[2J\"\nodd\u{9b} = 1\n";
        let unknown = "[orgs.demo.affiliates.\"a\\u001b[2J\"]\nfirstname = 1\n";
        let named = vec![
            ("{id}", id),
            ("{esc}", "\u{1b}[2J\u{9b}31m\u{7f}".to_owned()),
            ("{sold}", "sold\u{1b}[2J\u{9b}31m\u{7f}\r\nforged".to_owned()),
            ("{orders}", file("orders.csv", orders)),
            (
                "{header}",
                file("header.csv", "external_id,\u{1b}[2J\u{9b}31m\n1,2\n"),
            ),
            ("{catalog}", file("catalog.toml", catalog)),
            ("{unknown}", file("unknown.toml", unknown)),
        ];
        Self {
            named,
            _directory: directory,
        }
    }

    fn of(&self, line: &str) -> Vec<String> {
        let word = |word: &str| {
            let named = self.named.iter();
            named.fold(word.to_owned(), |word, (name, text)| word.replace(name, text))
        };
        line.split(' ').map(word).collect()
    }
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

    let words = Words::new(id);
    let mut shown = 0;
    for line in COMMANDS.trim().lines() {
        let arguments = words.of(line);
        for json in [false, true] {
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
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
