//! The custom fields that an organisation's affiliates may have.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::types::Json;

use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

#[derive(Clone, Debug, PartialEq)]
pub struct CustomField {
    pub id: String,
    pub title: String,
    /// None: any text.
    pub choices: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Definition {
    title: String,
    #[serde(default)]
    choices: Vec<String>,
}

/// All that are not retired at `now`, by their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &mut Connection, org: OrgId, now: DateTime<Utc>) -> Result<Vec<CustomField>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT field_id, definition AS "definition: Json<Definition>"
         FROM custom_fields WHERE org_id = $1 AND (retired_at IS NULL OR retired_at > $2) ORDER BY field_id"#,
        org.0,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("custom_fields.all", error))?;
    let fields = rows.into_iter().map(|row| CustomField {
        id: row.field_id,
        title: row.definition.0.title,
        choices: row.definition.0.choices,
    });
    Ok(fields.collect())
}
