//! `GET /1.6/programs/{id}/commission-types/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::{
        page::Page,
        program_rules::{self, TypeDetails},
    },
};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::{of_path::program_of, rate::form_and_value};
use crate::{
    Api, Problem,
    json::number,
    path_id::PathId,
    rest::pages::{PageParams, PageRequest},
};

/// A commission type as it holds now.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::CommissionType)]
struct CommissionType<'a> {
    title: &'a str,
    /// `percentage` or `fixed`.
    commission_form: &'a str,
    affiliate_group_overrides: Vec<GroupOverride<'a>>,
    identifier: &'a str,
    #[schema(value_type = f64)]
    commission_value: Number,
    /// `once`, `weekly`, `monthly` or `yearly`.
    recurrence: &'a str,
    /// Always true.
    visible: bool,
    /// Conversions of this type count towards the customer's cap.
    count_towards_cap: bool,
}

/// What a group gets instead.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::GroupOverride)]
struct GroupOverride<'a> {
    commission_form: &'static str,
    #[schema(value_type = f64)]
    commission_value: Number,
    affiliate_group_id: &'a str,
}

impl<'a> From<&'a TypeDetails> for CommissionType<'a> {
    fn from(rule: &'a TypeDetails) -> Self {
        let overrides = rule.group_overrides.iter().map(|of_group| {
            let (form, value) = form_and_value(of_group.rate);
            GroupOverride {
                commission_form: form,
                commission_value: number(value),
                affiliate_group_id: &of_group.group_id,
            }
        });
        Self {
            title: &rule.title,
            commission_form: &rule.form,
            affiliate_group_overrides: overrides.collect(),
            identifier: &rule.identifier,
            commission_value: number(rule.value),
            recurrence: &rule.recurrence,
            visible: true,
            count_towards_cap: rule.count_towards_cap,
        }
    }
}

/// List a program's commission types
// Those that hold now.
#[utoipa::path(
    get,
    path = "/1.6/programs/{id}/commission-types",
    operation_id = "program_commission_types",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"), PageParams),
    responses((
        status = 200,
        body = Vec<CommissionType<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(include_str!("../examples/commission_type.json"))])
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
    let rules = program_rules::types(&mut conn, key.org, program, api.clock.now()).await?;
    Ok(request.answer(&Page::of_all(rules, request.number), CommissionType::from))
}
