//! What the role of a connection has, beside what it should have.

use serde::Serialize;
use sqlx::types::Json;
use strum::IntoEnumIterator as _;

use super::{
    privileges::{FUNCTIONS, Object, SEQUENCES, TABLES},
    role::{DatabaseRole, RoleNames, declared, privileges},
};
use crate::db::{Connection, DbError, Pool};

/// Who is connected, and what that role has.
#[derive(Debug)]
pub struct RoleReport {
    pub user: String,
    pub is_superuser: bool,
    /// What it may do in the whole server, such as `CREATEROLE`.
    pub attributes: Vec<String>,
    /// Whether it has the rights of the owner of a table here.
    pub owns: bool,
    /// Whether one of the roles has been made.
    pub are_made: bool,
    /// The role that it is by its name, or that was asked for.
    pub role: Option<DatabaseRole>,
    /// Such as `DELETE on events`; only of a known role that is neither superuser nor owner.
    pub too_much: Vec<String>,
    pub too_little: Vec<String>,
}

#[derive(Serialize)]
struct Wanted {
    /// `r`: a table, `S`: a sequence, `f`: a function.
    kind: &'static str,
    object: &'static str,
    verb: String,
    /// `None`: all of them, or there are none.
    columns: Option<Vec<&'static str>>,
}

/// Looks at the role of `pool`. `asked`: which one it should be, else its name tells.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect(
    pool: &Pool,
    names: &RoleNames,
    asked: Option<DatabaseRole>,
) -> Result<RoleReport, DbError> {
    let failed = |error| DbError::new("grants.who", error);
    let mut connection = pool.acquire().await.map_err(failed)?;
    of_connection(&mut connection, names, asked).await
}

pub(super) async fn of_connection(
    connection: &mut Connection,
    names: &RoleNames,
    asked: Option<DatabaseRole>,
) -> Result<RoleReport, DbError> {
    let all: Vec<String> = DatabaseRole::iter()
        .map(|role| names.of(role).to_owned())
        .collect();
    let found = sqlx::query!(
        r#"SELECT r.rolname::text AS "user!", r.rolsuper AS "is_superuser!",
                array_remove(ARRAY[CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
                    CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END], NULL)
                    AS "attributes!",
                EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
                            AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'MEMBER')) AS "owns!",
                EXISTS (SELECT FROM pg_roles o WHERE o.rolname = ANY ($1)) AS "are_made!"
           FROM pg_roles r WHERE r.rolname = current_user"#,
        &all
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| DbError::new("grants.who", error))?;
    let by_name = DatabaseRole::iter().find(|role| names.of(*role) == found.user);
    let mut report = RoleReport {
        user: found.user,
        is_superuser: found.is_superuser,
        attributes: found.attributes,
        owns: found.owns,
        are_made: found.are_made,
        role: asked.or(by_name),
        too_much: Vec::new(),
        too_little: Vec::new(),
    };
    if let Some(role) = report.role
        && !report.is_superuser
        && !report.owns
    {
        (report.too_much, report.too_little) = compare(connection, role).await?;
    }
    Ok(report)
}

fn wanted(role: DatabaseRole) -> Vec<Wanted> {
    let kinds = [("r", TABLES), ("S", SEQUENCES), ("f", FUNCTIONS)];
    let of = |kind, object: &Object| {
        let all = privileges(declared(object, role)).into_iter();
        let wanted = all.map(|privilege| Wanted {
            kind,
            object: object.0,
            verb: privilege.verb.to_uppercase(),
            columns: (!privilege.columns.is_empty()).then_some(privilege.columns),
        });
        wanted.collect::<Vec<_>>()
    };
    let all = kinds
        .iter()
        .flat_map(|(kind, objects)| objects.iter().map(move |object| (*kind, object)));
    all.flat_map(|(kind, object)| of(kind, object)).collect()
}

/// What the role of `connection` has beyond what `role` needs, and what it lacks.
async fn compare(
    connection: &mut Connection,
    role: DatabaseRole,
) -> Result<(Vec<String>, Vec<String>), DbError> {
    let wanted = wanted(role);
    let rows = sqlx::query!(
        r#"WITH declared AS (SELECT * FROM jsonb_to_recordset($1) AS (kind text, object text, verb text, columns text[])),
             here AS (SELECT c.oid, c.relname::text AS object, c.relkind FROM pg_class c
                       WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')),
             parts AS (SELECT h.oid, h.object, a.attname::text AS part, a.attnum FROM here h
                         JOIN pg_attribute a ON a.attrelid = h.oid AND a.attnum > 0 AND NOT a.attisdropped
                        WHERE h.relkind <> 'S'),
             wanted AS (
                 SELECT d.object, d.verb, p.part FROM declared d JOIN parts p ON p.object = d.object
                  WHERE d.kind = 'r' AND d.verb <> 'DELETE' AND (d.columns IS NULL OR p.part = ANY (d.columns))
                  UNION ALL
                 SELECT d.object, d.verb, '' FROM declared d JOIN here h ON h.object = d.object
                  WHERE d.kind = 'S' OR d.verb = 'DELETE'
                  UNION ALL
                 SELECT d.object, d.verb, '' FROM declared d WHERE CASE d.kind WHEN 'f' THEN to_regprocedure(d.object) IS NOT NULL ELSE false END),
             has AS (
                 SELECT p.object, v.verb, p.part FROM parts p CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) v (verb)
                  WHERE has_column_privilege(p.oid, p.attnum, v.verb)
                  UNION ALL
                 SELECT h.object, v.verb, '' FROM here h
                  CROSS JOIN (VALUES ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) v (verb)
                  WHERE h.relkind <> 'S' AND has_table_privilege(h.oid, v.verb)
                  UNION ALL
                 SELECT h.object, v.verb, '' FROM here h CROSS JOIN (VALUES ('USAGE'), ('UPDATE'), ('SELECT')) v (verb)
                  WHERE h.relkind = 'S' AND has_sequence_privilege(h.oid, v.verb)
                  UNION ALL
                 SELECT f.object, 'EXECUTE', '' FROM unnest($2::text[]) f (object)
                  WHERE has_function_privilege(to_regprocedure(f.object), 'EXECUTE'))
        SELECT is_missing AS "is_missing!", verb || ' on ' || object AS "what!"
          FROM (SELECT true AS is_missing, object, verb FROM (SELECT * FROM wanted EXCEPT SELECT * FROM has) missing
                 UNION
                SELECT false, object, verb FROM (SELECT * FROM has EXCEPT SELECT * FROM wanted) extra) difference
         ORDER BY object, verb"#,
        Json(&wanted) as _,
        &FUNCTIONS.iter().map(|object| object.0.to_owned()).collect::<Vec<_>>()
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("grants.compare", error))?;
    let (mut too_much, mut too_little) = (Vec::new(), Vec::new());
    for row in rows {
        if row.is_missing {
            too_little.push(row.what);
        } else {
            too_much.push(row.what);
        }
    }
    Ok((too_much, too_little))
}
