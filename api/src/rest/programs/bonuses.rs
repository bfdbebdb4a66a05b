//! `GET /1.6/programs/{id}/bonuses/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use chrono::NaiveDate;
use common::{
    db::keys::ApiKey,
    domain::catalog::Bonus as Definition,
    http::openapi::example,
    reads::rest::{page::Page, program_rules},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{of_path::program_of, rate::form_and_value};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::pages::{PageParams, PageRequest},
};

/// What reaching a target brings.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::Bonus)]
struct Bonus<'a> {
    title: &'a str,
    /// `percentage` or `fixed`.
    commission_form: &'static str,
    identifier: &'a str,
    /// A calendar month.
    interval: &'static str,
    /// `conversion_count` or `conversion_amount`.
    target_type: &'static str,
    active: bool,
    #[schema(required)]
    start_date: Option<NaiveDate>,
    #[schema(required)]
    end_date: Option<NaiveDate>,
}

impl<'a> From<&'a Definition> for Bonus<'a> {
    fn from(bonus: &'a Definition) -> Self {
        Self {
            title: &bonus.title,
            commission_form: form_and_value(bonus.rate).0,
            identifier: &bonus.identifier,
            interval: "calmo",
            target_type: bonus.target_type.name(),
            active: bonus.active,
            start_date: bonus.start_date,
            end_date: bonus.end_date,
        }
    }
}

/// List a program's bonuses
// Those that hold now.
#[utoipa::path(
    get,
    path = "/1.6/programs/{id}/bonuses",
    operation_id = "program_bonuses",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"), PageParams),
    responses((
        status = 200,
        body = Vec<Bonus<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(include_str!("../examples/bonus.json"))])
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
    let rules = program_rules::bonuses(&mut conn, key.org, program, api.clock.now()).await?;
    Ok(request.answer(&Page::of_all(rules, request.number), Bonus::from))
}
