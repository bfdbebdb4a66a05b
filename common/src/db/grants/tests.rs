use std::{collections::BTreeSet, path::Path};

use serde_json::Value;
use sqlx::Row as _;
use strum::IntoEnumIterator as _;

use super::{
    grant,
    inspect::of_connection,
    privileges::{FUNCTIONS, Object, SEQUENCES, TABLES},
    role::{DatabaseRole, RoleNames, declared, privileges},
    statements,
};
use crate::db::{Connection, Pool};

/// Roles belong to the whole server: each test has its own, and drops them.
struct Roles {
    names: RoleNames,
    conn: sqlx::pool::PoolConnection<sqlx::Postgres>,
}

impl Roles {
    async fn of(test: &str, pool: &Pool) -> Self {
        let name = |role| format!("{test}_{}_{role}", std::process::id());
        let names = RoleNames {
            ingest_role: name("ingest"),
            worker_role: name("worker"),
            api_role: name("api"),
        };
        grant(pool, &names).await.unwrap();
        let conn = pool.acquire().await.unwrap();
        Self { names, conn }
    }

    /// Runs statements as a role, and as the owner of everything afterwards.
    async fn run(&mut self, role: DatabaseRole, sql: &str) -> Result<(), String> {
        let name = self.names.of(role);
        let script = format!("SET ROLE \"{name}\"; {sql}");
        let done = execute(&mut self.conn, script).await;
        execute(&mut self.conn, "RESET ROLE".to_owned()).await.unwrap();
        done
    }

    async fn may(&mut self, role: DatabaseRole, sql: &str) {
        self.run(role, sql)
            .await
            .unwrap_or_else(|error| panic!("{role}: {sql}: {error}"));
    }

    async fn may_not(&mut self, role: DatabaseRole, sql: &str) {
        let error = self.run(role, sql).await.unwrap_err();
        assert!(
            error.contains("permission denied") || error.contains("must be owner"),
            "{role}: {sql}: {error}"
        );
    }

    async fn drop(mut self) {
        for role in DatabaseRole::iter() {
            let name = self.names.of(role);
            let gone = format!("DROP OWNED BY \"{name}\"; DROP ROLE \"{name}\"");
            execute(&mut self.conn, gone).await.unwrap();
        }
    }
}

async fn execute(conn: &mut Connection, sql: String) -> Result<(), String> {
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await;
    done.map(|_| ()).map_err(|error| error.to_string())
}

fn declared_names(objects: &[Object]) -> BTreeSet<String> {
    objects.iter().map(|object| object.0.to_owned()).collect()
}

async fn names_of(pool: &Pool, sql: &'static str) -> BTreeSet<String> {
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.unwrap();
    rows.into_iter().collect()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_object_of_the_schema_has_a_line(pool: Pool) {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')";
    assert_eq!(names_of(&pool, tables).await, declared_names(TABLES));
    // Those of identity columns need no privilege.
    let sequences =
        "SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
                     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')";
    assert_eq!(names_of(&pool, sequences).await, declared_names(SEQUENCES));
    let functions = "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let declared = declared_names(FUNCTIONS)
        .into_iter()
        .map(|name| name.replace(", ", ","));
    assert_eq!(names_of(&pool, functions).await, declared.collect());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn each_role_does_its_work_and_nothing_else(pool: Pool) {
    use DatabaseRole::{Api, Ingest, Worker};
    let mut roles = Roles::of("work", &pool).await;
    for sql in [
        "SELECT value FROM settings",
        "SELECT event_id, status, reason, outcome FROM events WHERE event_id = gen_random_uuid()",
        "LISTEN commissary_keys",
        "WITH put AS (INSERT INTO spool (envelope) VALUES ('')) SELECT pg_notify('commissary_spool', '')",
        "DELETE FROM rejections WHERE org_id = 0",
    ] {
        roles.may(Ingest, sql).await;
    }
    for sql in [
        "SELECT body FROM events",
        "SELECT * FROM events_default",
        "SELECT email FROM affiliates",
        "SELECT envelope FROM spool",
        "DELETE FROM spool",
        "INSERT INTO events (event_id) VALUES (gen_random_uuid())",
        "INSERT INTO api_keys (org_id) VALUES (1)",
        "UPDATE orgs SET title = ''",
        "UPDATE settings SET value = ''",
        "SELECT nextval('conversion_ids')",
        "SELECT ensure_event_partitions(current_date, 1)",
        "SELECT drop_event_partitions(current_date, current_date)",
        "SELECT audit_append_all('{}')",
        "CREATE TABLE mine (a integer)",
        "CREATE TEMP TABLE mine (a integer)",
        "ALTER TABLE rejections ADD COLUMN mine integer",
        "TRUNCATE rejections",
    ] {
        roles.may_not(Ingest, sql).await;
    }
    roles
        .may(Worker, "SELECT ensure_event_partitions(current_date, 2)")
        .await;
    roles
        .may(Worker, "SELECT drop_event_partitions(current_date, current_date)")
        .await;
    let entry = "ROW(1, 0, now(), 'key', 'ada', 1, NULL, NULL, 'a', 'b', NULL, NULL, '')::audit_entries";
    roles
        .may(Api, &format!("SELECT audit_append_all(ARRAY[{entry}])"))
        .await;
    for sql in [
        &format!("INSERT INTO audit_entries SELECT ({entry}).*"),
        "UPDATE audit_heads SET hash = ''",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "DELETE FROM transfers",
        "UPDATE transfers SET amount = 1",
        "DELETE FROM events",
        "UPDATE settings SET value = ''",
    ] {
        roles.may_not(Api, sql).await;
        roles.may_not(Worker, sql).await;
    }
    roles.may_not(Worker, "SELECT key_hash FROM api_keys").await;
    roles.may_not(Worker, "UPDATE programs SET title = ''").await;
    roles.drop().await;
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_a_role_has_beyond_or_below_is_told_and_mended(pool: Pool) {
    let mut roles = Roles::of("told", &pool).await;
    let (names, worker) = (roles.names.clone(), roles.names.worker_role.clone());
    let report = of_connection(&mut roles.conn, &names, None).await.unwrap();
    assert!(
        report.is_superuser && report.owns && report.are_made,
        "{report:?}"
    );
    assert_eq!(report.role, None);

    let wrong = format!(
        "GRANT UPDATE (title), DELETE ON programs TO \"{worker}\"; GRANT TRUNCATE ON clicks TO PUBLIC;
         REVOKE INSERT ON clicks, INSERT ON conversions FROM \"{worker}\"; REVOKE USAGE ON SEQUENCE barriers FROM \"{worker}\";
         GRANT EXECUTE ON FUNCTION audit_append(audit_entries) TO \"{worker}\""
    );
    let wrong = wrong.replace("INSERT ON clicks, INSERT ON conversions", "INSERT ON clicks");
    execute(&mut roles.conn, wrong).await.unwrap();
    execute(&mut roles.conn, format!("SET ROLE \"{worker}\""))
        .await
        .unwrap();
    let report = of_connection(&mut roles.conn, &names, None).await.unwrap();
    assert_eq!(report.user, worker);
    assert!(!report.is_superuser && !report.owns, "{report:?}");
    assert_eq!(report.role, Some(DatabaseRole::Worker));
    assert_eq!(
        report.too_much,
        [
            "EXECUTE on audit_append(audit_entries)",
            "TRUNCATE on clicks",
            "DELETE on programs",
            "UPDATE on programs"
        ]
    );
    assert_eq!(report.too_little, ["USAGE on barriers", "INSERT on clicks"]);

    execute(&mut roles.conn, "RESET ROLE".to_owned()).await.unwrap();
    grant(&pool, &names).await.unwrap();
    for role in DatabaseRole::iter() {
        execute(&mut roles.conn, format!("SET ROLE \"{}\"", names.of(role)))
            .await
            .unwrap();
        let report = of_connection(&mut roles.conn, &names, None).await.unwrap();
        assert_eq!(report.role, Some(role));
        assert_eq!((report.too_much, report.too_little), (vec![], vec![]), "{role}");
        assert!(report.attributes.is_empty());
        execute(&mut roles.conn, "RESET ROLE".to_owned()).await.unwrap();
    }
    roles.drop().await;
}

#[test]
fn the_statements_hold_no_password_and_name_the_roles_as_asked() {
    let names = RoleNames {
        ingest_role: "in".to_owned(),
        worker_role: "work".to_owned(),
        api_role: "control".to_owned(),
    };
    let all = statements(&names).join("\n");
    assert!(!all.to_lowercase().contains("password"));
    assert!(all.contains("ARRAY['in', 'work', 'control']"));
    assert!(
        all.contains("GRANT insert, select (bulk_of, version, created_at) ON TABLE spool TO \"in\"\n"),
        "{all}"
    );
}

/// The statements of the code, from the metadata against which they are compiled, the shortest first.
fn statements_of_the_code() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut all: Vec<String> = files
        .map(|file| {
            let metadata: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            metadata["query"].as_str().unwrap().to_owned()
        })
        .collect();
    all.sort_by_key(String::len);
    all
}

/// Of ingest: a part of each, and of no other statement.
const OF_INGEST: &[&str] = &[
    "SELECT 1",
    "SELECT value FROM settings WHERE name = 'receipt_secret'",
    "WHERE k.revoked_at IS NULL ORDER BY k.org_id",
    "FROM orgs WHERE client_id IS NOT NULL",
    "FROM pixel_keys p JOIN orgs o",
    "WHERE events_per_minute IS NOT NULL OR",
    "status, reason, outcome AS",
    "INSERT INTO spool (envelope) VALUES",
    "INSERT INTO spool (bulk_of, envelope)",
    "INSERT INTO rejections",
    "DELETE FROM rejections",
    "INSERT INTO heartbeats",
    "DELETE FROM heartbeats WHERE process_id",
    "FROM heartbeats ORDER BY seen_at DESC",
    "FROM (SELECT bulk_of, created_at, COALESCE(version",
    "FROM events WHERE status IN ('queued', 'parked')",
    "FROM events WHERE status IN ('refused', 'dead') AND reason NOT IN",
    "LEFT JOIN orgs o ON o.org_id = waiting.org_id",
    "SELECT count(*) AS envelopes FROM",
];

/// Statements by their numbers, prepared in a session: what a role may is asked when they are run, or explained.
struct Prepared(Vec<(usize, String)>);

impl Prepared {
    async fn of(conn: &mut Connection, statements: Vec<String>) -> Self {
        let mut kept = Vec::new();
        for (number, statement) in statements.into_iter().enumerate() {
            // Settings of a session cannot be prepared, and need no privilege.
            let prepared = execute(conn, format!("PREPARE of_code_{number} AS {statement}")).await;
            if prepared.is_ok() {
                kept.push((number, statement));
            }
        }
        Self(kept)
    }

    /// Whether `role` may run all that name `object`.
    async fn all_may_run(&self, roles: &mut Roles, role: DatabaseRole, object: &str) -> bool {
        for (number, _) in self.0.iter().filter(|(_, statement)| names(statement, object)) {
            let values: i64 = sqlx::query(
                "SELECT cardinality(parameter_types)::bigint FROM pg_prepared_statements WHERE name = 'of_code_' || $1",
            )
            .bind(number.to_string())
            .fetch_one(&mut *roles.conn)
            .await
            .unwrap()
            .get(0);
            let nulls = vec!["NULL"; usize::try_from(values).unwrap()].join(", ");
            let values = if nulls.is_empty() {
                nulls
            } else {
                format!("({nulls})")
            };
            let run = roles
                .run(role, &format!("EXPLAIN EXECUTE of_code_{number}{values}"))
                .await;
            if run.is_err_and(|error| error.contains("permission denied")) {
                return false;
            }
        }
        true
    }
}

fn names(statement: &str, object: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    statement.split(|c: char| !is_word(c)).any(|word| word == object)
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn ingest_may_run_its_statements_and_needs_each_column_for_them(pool: Pool) {
    let mut roles = Roles::of("exact", &pool).await;
    let all = statements_of_the_code();
    let of_ingest: Vec<String> = OF_INGEST
        .iter()
        .map(|part| {
            let mut with = all.iter().filter(|statement| statement.contains(part));
            let found = with.next().unwrap_or_else(|| panic!("no statement has {part}"));
            assert!(
                *part == "SELECT 1" || with.next().is_none(),
                "several statements have {part}"
            );
            found.clone()
        })
        .collect();
    let prepared = Prepared::of(&mut roles.conn, of_ingest).await;
    assert_eq!(prepared.0.len(), OF_INGEST.len());
    let name = roles.names.ingest_role.clone();
    for object in TABLES.iter().filter(|object| object.0 != "_sqlx_migrations") {
        assert!(
            prepared
                .all_may_run(&mut roles, DatabaseRole::Ingest, object.0)
                .await,
            "{}",
            object.0
        );
        for privilege in privileges(declared(object, DatabaseRole::Ingest)) {
            let columns = if privilege.columns.is_empty() {
                vec![""]
            } else {
                privilege.columns
            };
            for column in columns {
                let part = if column.is_empty() {
                    String::new()
                } else {
                    format!("({column})")
                };
                let (verb, table) = (privilege.verb, object.0);
                let change = |how: &str, to| format!("{how} {verb} {part} ON {table} {to} \"{name}\"");
                execute(&mut roles.conn, change("REVOKE", "FROM")).await.unwrap();
                let is_needed = !prepared
                    .all_may_run(&mut roles, DatabaseRole::Ingest, table)
                    .await;
                assert!(is_needed, "ingest needs no {verb} {part} on {table}");
                execute(&mut roles.conn, change("GRANT", "TO")).await.unwrap();
            }
        }
    }
    roles.drop().await;
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn nothing_is_granted_that_no_statement_needs(pool: Pool) {
    let mut roles = Roles::of("needed", &pool).await;
    let prepared = Prepared::of(&mut roles.conn, statements_of_the_code()).await;
    for role in [DatabaseRole::Worker, DatabaseRole::Api] {
        let name = roles.names.of(role).to_owned();
        // So that of each statement only the privilege that is looked at can be missing.
        let everything = format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO \"{name}\"");
        for (number, statement) in &prepared.0 {
            // What is drawn from a sequence is asked for when a row is made; that a sequence is read, before.
            let reads = SEQUENCES
                .iter()
                .filter(|object| statement.contains(&format!("FROM {}", object.0)));
            let mut denied = reads.filter(|object| !declared(object, role).contains("select"));
            let denied = denied.next().map(|object| object.0);
            assert_eq!(
                denied, None,
                "{role} may not read it, as statement {number} does: {statement}"
            );
        }
        execute(&mut roles.conn, everything).await.unwrap();
        for object in TABLES.iter().filter(|object| object.0 != "_sqlx_migrations") {
            for privilege in privileges(declared(object, role)) {
                let (verb, table) = (privilege.verb, object.0);
                execute(
                    &mut roles.conn,
                    format!("REVOKE {verb} ON {table} FROM \"{name}\""),
                )
                .await
                .unwrap();
                let is_needed = !prepared.all_may_run(&mut roles, role, table).await;
                assert!(
                    is_needed,
                    "no statement needs {verb} on {table}: {role} has it for nothing"
                );
                execute(&mut roles.conn, format!("GRANT {verb} ON {table} TO \"{name}\""))
                    .await
                    .unwrap();
            }
        }
    }
    roles.drop().await;
}
