//! `GET /1.6/affiliates/custom-fields/`: the fields that affiliates may have.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::{custom_fields, page::Page},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::{PageParams, PageRequest};
use crate::{Api, Problem};

/// A custom field.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::CustomField)]
struct CustomField<'a> {
    id: &'a str,
    title: &'a str,
    /// None: any text.
    choices: &'a [String],
}

/// List custom fields
#[utoipa::path(
    get,
    path = "/1.6/affiliates/custom-fields",
    operation_id = "custom_fields",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams),
    responses((
        status = 200,
        body = Vec<CustomField<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(include_str!("examples/custom_field.json"))])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let fields = custom_fields::all(&mut conn, key.org, api.clock.now()).await?;
    Ok(
        request.answer(&Page::of_all(fields, request.number), |field| CustomField {
            id: &field.id,
            title: &field.title,
            choices: &field.choices,
        }),
    )
}
