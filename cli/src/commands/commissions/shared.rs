//! What the commands about many commissions have in common.

use std::time::Duration;

use anyhow::bail;
use common::{
    bulk::Caller,
    catalog::change::{Actor, Author},
    db::{Connection, orgs},
    domain::{Dialect, OrgId},
    runtime::Clock,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::acting::Acting;

/// The organisation that `slug` names.
pub(super) async fn org(conn: &mut Connection, slug: &str) -> anyhow::Result<OrgId> {
    let Some(org) = orgs::by_slug(conn, slug).await? else {
        bail!("there is no organisation {slug:?}");
    };
    Ok(org)
}

/// Whoever is at the command line.
pub(super) fn caller(org: OrgId, acting: &Acting, clock: &Clock) -> Caller {
    Caller {
        author: Author {
            org,
            actor: Actor::Cli(acting.name.clone()),
            request_id: None,
            now: clock.now(),
        },
        scope: None,
        dialect: Dialect::Native,
    }
}

pub(super) fn bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or_default());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}, {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
