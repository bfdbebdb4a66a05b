//! `/v1/programs/{id}/affiliates/{affiliate}`: the rate of its own that an affiliate has in a program.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{db::keys::ApiKey, http::request::IdempotencyKey};
use utoipa::ToSchema;

use super::thing;
use crate::{Api, Problem, path_id::PathIdAndKey, write::Call};

/// An affiliate's part in a program, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::AffiliationTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct AffiliationTable {
    /// The program's.
    id: String,
    /// `approved`, `pending` or `disapproved`.
    status: String,
    coupon: Option<String>,
    referral_code: Option<String>,
    asset_id: Option<String>,
    source_id: Option<String>,
    percentage: Option<f64>,
    fixed: Option<f64>,
    ignore_product_rate: bool,
    /// What it said from when on, the latest first; null: from the beginning.
    #[schema(value_type = Option<Vec<Object>>, read_only)]
    versions: Option<()>,
}

/// What holds instead of the program's rate. Without `percentage` and `fixed`: null clears it.
#[derive(ToSchema)]
#[schema(as = native::OwnRate)]
#[expect(dead_code, reason = "describes what may be changed")]
struct OwnRate {
    /// Of 100. Either this or `fixed`.
    percentage: Option<f64>,
    /// In the program's currency.
    fixed: Option<f64>,
    /// Whatever was bought.
    ignore_product_rate: Option<bool>,
    /// From when on the change holds; from now on, where nothing is sent.
    #[schema(format = DateTime, write_only)]
    valid_from: Option<String>,
}

/// Show an affiliate's part in a program
// With the rate of its own that it is to have last.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/affiliates/{affiliate}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("affiliate" = String, Path, example = "flofixed")),
    responses((status = 200, body = AffiliationTable, example = json!({
        "id": "partner-program", "status": "approved", "coupon": "FLAT5", "fixed": 5, "ignore_product_rate": true, "versions": []
    })))
)]
pub(super) async fn show_own_rate(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(id, affiliate): PathIdAndKey,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &place(&id, &affiliate)).await
}

/// Change an affiliate's own rate
// The rest of its part is changed by REST 1.6.
#[utoipa::path(
    patch,
    path = "/v1/programs/{id}/affiliates/{affiliate}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("affiliate" = String, Path, example = "flofixed"), IdempotencyKey),
    request_body(content = OwnRate, example = json!({"fixed": 5, "ignore_product_rate": true, "valid_from": "2027-01-01T00:00:00Z"})),
    responses((status = 200, body = AffiliationTable, example = json!({
        "id": "partner-program", "status": "approved", "coupon": "FLAT5", "fixed": 5, "ignore_product_rate": true, "versions": []
    })))
)]
pub(super) async fn change_own_rate(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, affiliate): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    let only = ["percentage", "fixed", "ignore_product_rate"];
    thing::change(&api, &call, &place(&id, &affiliate), &only).await
}

fn place<'a>(program: &'a str, affiliate: &'a str) -> [&'a str; 4] {
    ["affiliates", affiliate, "programs", program]
}
