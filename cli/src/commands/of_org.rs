//! Whose: an organisation as an argument that may be left out.

use anyhow::bail;
use common::{
    db::{self, Connection},
    domain::OrgId,
};

/// The organisation with this slug, where one is given.
pub(super) async fn org(conn: &mut Connection, slug: Option<&str>) -> anyhow::Result<Option<OrgId>> {
    let Some(slug) = slug else {
        return Ok(None);
    };
    match db::orgs::by_slug(conn, slug).await? {
        Some(org) => Ok(Some(org)),
        None => bail!("there is no organisation {slug:?}"),
    }
}
