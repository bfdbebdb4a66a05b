//! `GET /api/tracking/status/{programId}`: does tracking work?

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use common::{db::keys::ApiKey, reads::affitor};
use serde::Serialize;
use utoipa::ToSchema;

use super::named::find;
use crate::{Api, Problem, json::time, path_id::PathId};

/// Does tracking work?
// By slug or number. Looked for among the organisation's latest 10,000 clicks, leads and sales.
#[utoipa::path(
    get,
    path = "/api/tracking/status/{programId}",
    tag = "affitor",
    security(("Bearer" = [])),
    params(("programId" = String, Path, description = "Its slug or number.", example = "johns-affiliate-program")),
    responses((status = 200, body = ProgramStatus, example = json!({
        "success": true,
        "data": {
            "programId": 1, "program": "johns-affiliate-program", "status": "active",
            "lastClickAt": "2026-11-21T14:55:00.000Z", "lastLeadAt": null, "lastSaleAt": "2026-11-21T15:00:00.000Z"
        }
    })))
)]
pub(super) async fn program_status(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(name): PathId,
) -> Result<Json<ProgramStatus>, Problem> {
    let mut conn = api.connection().await?;
    let program = find(&mut conn, &key, &name).await?;
    let state = affitor::state(&mut conn, key.org, program.id).await?;
    let latest = [state.last_click_at, state.last_lead_at, state.last_sale_at];
    let status = if latest.iter().any(Option::is_some) {
        TrackingStatus::Active
    } else {
        TrackingStatus::Waiting
    };
    let [last_click_at, last_lead_at, last_sale_at] = latest.map(|at| at.map(time));
    Ok(Json(ProgramStatus {
        data: StatusData {
            program_id: program.id.0,
            program: program.slug,
            status,
            last_click_at,
            last_lead_at,
            last_sale_at,
        },
        success: true,
    }))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::ProgramStatus)]
pub(super) struct ProgramStatus {
    data: StatusData,
    success: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affitor::ProgramStatusData)]
struct StatusData {
    program_id: i64,
    /// Its slug.
    program: String,
    status: TrackingStatus,
    #[schema(required, format = DateTime)]
    last_click_at: Option<String>,
    #[schema(required, format = DateTime)]
    last_lead_at: Option<String>,
    #[schema(required, format = DateTime)]
    last_sale_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = affitor::TrackingStatus)]
enum TrackingStatus {
    /// Something has come.
    Active,
    /// Nothing has come yet.
    Waiting,
}
