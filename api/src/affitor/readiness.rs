//! `GET /api/v1/programs/me/readiness`: whether the key's program can record sales.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use common::{
    db::keys::ApiKey,
    reads::affitor::{self, Readiness},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, Problem};

/// Is the key's program ready?
#[utoipa::path(
    get,
    path = "/api/v1/programs/me/readiness",
    tag = "affitor",
    security(("Bearer" = [])),
    responses((status = 200, body = ProgramReadiness, example = json!({
        "success": true,
        "data": {
            "programId": 1, "program": "johns-affiliate-program", "ready": false,
            "gates": [{
                "gate": "landing_page", "passed": true,
                "meaning": "The host of its pages is its organisation's own: clicks there find it, even by codes that others have too"
            }]
        }
    })))
)]
pub(super) async fn readiness(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
) -> Result<Json<ProgramReadiness>, Problem> {
    let mut conn = api.connection().await?;
    let found = affitor::readiness(&mut conn, key.org, key.program).await?;
    found
        .map(|found| Json(gates(found)))
        .ok_or_else(Problem::not_found)
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::ProgramReadiness)]
pub(super) struct ProgramReadiness {
    data: ReadinessData,
    success: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::ReadinessData)]
struct ReadinessData {
    gates: Vec<ReadinessGate>,
    /// Its slug.
    program: String,
    #[serde(rename = "programId")]
    program_id: i64,
    /// All gates are passed.
    ready: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::Gate)]
struct ReadinessGate {
    gate: GateName,
    /// For people.
    meaning: &'static str,
    passed: bool,
}

/// In the order in which an integrator meets them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = affitor::GateName)]
enum GateName {
    LandingPage,
    Commission,
    Affiliate,
    Click,
    Sale,
}

fn gates(found: Readiness) -> ProgramReadiness {
    let gates = [
        (
            GateName::LandingPage,
            found.has_landing_page,
            "The host of its pages is its organisation's own: clicks there find it, even by codes that others have too",
        ),
        (
            GateName::Commission,
            found.has_commission,
            "The default commission type brings something",
        ),
        (
            GateName::Affiliate,
            found.has_affiliate,
            "An approved affiliate has a referral code",
        ),
        (GateName::Click, found.has_click, "A click has come"),
        (GateName::Sale, found.has_sale, "A sale has come"),
    ];
    let gates = gates.map(|(gate, passed, meaning)| ReadinessGate {
        gate,
        meaning,
        passed,
    });
    ProgramReadiness {
        success: true,
        data: ReadinessData {
            program_id: found.number,
            program: found.program,
            ready: gates.iter().all(|gate| gate.passed),
            gates: gates.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ready_is_all_gates() {
        let mut found = Readiness {
            program: "johns".into(),
            number: 1,
            has_landing_page: true,
            has_commission: true,
            has_affiliate: true,
            has_click: true,
            has_sale: true,
        };
        assert_eq!(json!(gates(found.clone()))["data"]["ready"], json!(true));
        found.has_click = false;
        let shown = json!(gates(found));
        assert_eq!(shown["data"]["ready"], json!(false));
        assert_eq!(shown["data"]["gates"].as_array().unwrap().len(), 5);
        assert_eq!(shown["data"]["gates"][3]["gate"], "click");
        assert_eq!(shown["data"]["gates"][3]["passed"], json!(false));
    }
}
