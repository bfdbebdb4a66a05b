//! The statements that give each role what it may do and take away what it has beyond that. They hold no password.

use sqlx::{Postgres, QueryBuilder};
use strum::IntoEnumIterator as _;

use super::{
    privileges::{FUNCTIONS, Object, SEQUENCES, TABLES},
    role::{DatabaseRole, RoleNames, declared},
};
use crate::db::{DbError, Pool};

/// Makes the roles that are missing, and takes from all of them, and from everybody, what an earlier version or a person gave.
/// Only what belongs to whoever runs it is touched.
const PREPARE: &str = r"DO $grants$
DECLARE
    name text;
    object record;
BEGIN
    -- Days of events are neither made nor dropped meanwhile.
    PERFORM pg_advisory_xact_lock(hashtext('commissary.event_partitions'));
    FOREACH name IN ARRAY ARRAY[{names}] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- Somebody else was faster.
            END;
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), name);
        FOR object IN
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass AS named
            FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
              AND pg_has_role(c.relowner, 'USAGE')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
              AND (c.relacl IS NOT NULL
                   OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL))
        LOOP
            EXECUTE format('REVOKE ALL ON %s %s FROM %I, PUBLIC', object.kind, object.named, name);
        END LOOP;
        FOR object IN
            SELECT p.oid::regprocedure AS named FROM pg_proc p
            WHERE p.pronamespace = current_schema()::regnamespace AND pg_has_role(p.proowner, 'USAGE')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        LOOP
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %I, PUBLIC', object.named, name);
        END LOOP;
    END LOOP;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
END$grants$";

/// The statements, in their order, for one transaction of the owner of the schema and the database. They can be run again, and
/// must be after each migration: what is new is nobody's but the owner's until then.
pub fn statements(names: &RoleNames) -> Vec<String> {
    let quoted: Vec<_> = DatabaseRole::iter()
        .map(|role| format!("'{}'", names.of(role)))
        .collect();
    let mut all = vec![PREPARE.replace("{names}", &quoted.join(", "))];
    for (kind, objects) in [
        ("TABLE", TABLES),
        ("SEQUENCE", SEQUENCES),
        ("FUNCTION", FUNCTIONS),
    ] {
        let of_kind = objects.iter().flat_map(|object| of_object(kind, object, names));
        all.extend(of_kind);
    }
    all
}

fn of_object(kind: &str, object: &Object, names: &RoleNames) -> Vec<String> {
    let given = DatabaseRole::iter().filter(|role| !declared(object, *role).is_empty());
    let grant = |role| {
        let (privileges, name) = (declared(object, role), names.of(role));
        format!("GRANT {privileges} ON {kind} {} TO \"{name}\"", object.0)
    };
    given.map(grant).collect()
}

/// Runs the statements.
///
/// # Errors
/// When the database does not answer, or whoever asks neither owns the schema nor may make the roles that are missing.
pub async fn grant(pool: &Pool, names: &RoleNames) -> Result<(), DbError> {
    crate::db::in_transaction(pool, async |connection| {
        for statement in statements(names) {
            let mut statement = QueryBuilder::<Postgres>::new(statement);
            let done = statement
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await;
            done.map_err(|error| DbError::new("grants.grant", error))?;
        }
        Ok(())
    })
    .await
}
