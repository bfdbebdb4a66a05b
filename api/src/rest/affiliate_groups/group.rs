//! A group, as it is printed and as it is sent.

use common::{
    http::request::{Invalid, MAX_NAME, Received},
    reads::rest::affiliate_groups::GroupView,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::rest::bodies::fields_of;

pub(super) const GROUP_EXAMPLE: &str = include_str!("../examples/affiliate_group.json");

#[derive(Serialize, ToSchema)]
#[schema(as = rest::AffiliateGroup)]
pub(super) struct Group<'a> {
    /// `ag_…`, or as the catalog declares it.
    id: &'a str,
    title: &'a str,
    affiliate_count: i64,
}

impl<'a> From<&'a GroupView> for Group<'a> {
    fn from(view: &'a GroupView) -> Self {
        Self {
            id: &view.group_id,
            title: &view.title,
            affiliate_count: view.affiliate_count,
        }
    }
}

#[derive(ToSchema)]
#[schema(as = rest::GroupTitle)]
#[expect(dead_code, reason = "describes what `title_of` reads")]
pub(super) struct GroupBody {
    title: String,
}

/// # Errors
/// Without a title.
pub(super) fn title_of(received: &Received) -> Result<String, Invalid> {
    let fields = fields_of(received)?;
    let title = fields.prose("title", MAX_NAME)?;
    title.ok_or_else(|| fields.required("title"))
}
