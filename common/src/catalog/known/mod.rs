//! What the database says of organisations, in the shape of the catalog file: what a file leaves out is taken from here, and an
//! export prints it. Reading alone; `write` is the only one that changes it.

mod affiliates;
mod keys;
mod programs;
mod thing;
pub(super) mod versions;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub(super) use affiliates::{Affiliate, Which};
pub(super) use keys::{Key, Pixels};
pub(super) use thing::{Known, object};

use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// What is known of one organisation. No `Debug`: it may hold the secrets of pixels.
#[derive(Clone, Default)]
pub(super) struct KnownOrg {
    /// Its own fields, such as `title`.
    pub(super) fields: Map<String, Value>,
    /// In the order in which they were made, as all that follows.
    pub(super) groups: Vec<Known>,
    pub(super) custom_fields: Vec<Known>,
    /// With their hosts, assets, types, levels and bonuses.
    pub(super) programs: Vec<Known>,
    /// Those that were asked for, without the deleted ones.
    pub(super) affiliates: Vec<Affiliate>,
    /// Those that were not revoked.
    pub(super) keys: Vec<Key>,
    pub(super) pixel_keys: Vec<Known>,
}

/// Organisations by their slugs.
pub(super) type KnownOrgs = BTreeMap<String, KnownOrg>;

/// What is known of an organisation, with the affiliates that `which` chooses.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn load(
    connection: &mut Connection,
    org: OrgId,
    which: &Which,
    pixels: Pixels,
) -> Result<KnownOrg, DbError> {
    Ok(KnownOrg {
        fields: fields(connection, org).await?,
        groups: programs::groups(connection, org).await?,
        custom_fields: programs::custom_fields(connection, org).await?,
        programs: programs::all(connection, org).await?,
        affiliates: affiliates::load(connection, org, which).await?,
        keys: keys::keys(connection, org).await?,
        pixel_keys: keys::pixel_keys(connection, org, pixels).await?,
    })
}

async fn fields(connection: &mut Connection, org: OrgId) -> Result<Map<String, Value>, DbError> {
    let fields = sqlx::query_scalar!(
        r#"SELECT jsonb_strip_nulls(jsonb_build_object(
               'title', title, 'affiliates_feature', affiliates_feature, 'client_id', client_id,
               'events_per_minute', events_per_minute, 'events_under_way', events_under_way)) AS "fields!"
           FROM orgs WHERE org_id = $1"#,
        org.0
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("known.org", error))?;
    Ok(object(fields))
}
