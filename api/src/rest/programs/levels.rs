//! `GET /1.6/programs/{id}/levels/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::{
        page::Page,
        program_rules::{self, LevelDetails},
    },
};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::of_path::program_of;
use crate::{
    Api, Problem,
    json::number,
    path_id::PathId,
    rest::pages::{PageParams, PageRequest},
};

/// What a level above the seller earns.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::Level)]
struct Level<'a> {
    title: &'a str,
    commission_form: &'static str,
    /// `level-2` is the parent of the seller.
    identifier: String,
    #[schema(value_type = f64)]
    commission_value: Number,
}

impl<'a> From<&'a LevelDetails> for Level<'a> {
    fn from(rule: &'a LevelDetails) -> Self {
        Self {
            title: &rule.title,
            commission_form: "percentage",
            identifier: format!("level-{}", rule.level),
            commission_value: number(rule.percentage),
        }
    }
}

/// List a program's MLM levels
// Those that hold now.
#[utoipa::path(
    get,
    path = "/1.6/programs/{id}/levels",
    operation_id = "program_levels",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"), PageParams),
    responses((
        status = 200,
        body = Vec<Level<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(include_str!("../examples/level.json"))])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
    request: PageRequest,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let program = program_of(&mut conn, &key, &id).await?;
    let rules = program_rules::levels(&mut conn, key.org, program, api.clock.now()).await?;
    Ok(request.answer(&Page::of_all(rules, request.number), Level::from))
}
