//! `POST /1.6/conversions/{id}/commissions/`

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
};
use common::{
    domain::{AddCommissions, Body, CommissionLine, ConversionId, PublicId, PublicIdKind},
    http::{
        Rejection,
        openapi::{Amount, example},
        request::{Fields, Invalid, MAX_NOTES, Preferences, Received},
    },
    tapfiliate_json::{self, CONVERSION_EXAMPLE},
};
use utoipa::ToSchema;

use super::{attribution::commission_type, call::call_with};
use crate::{Ingest, receipt::Pending};

/// Commissions of one request, at most: each may pay levels, too.
pub const MAX_COMMISSIONS: usize = 100;

/// Add commissions to a conversion
#[utoipa::path(
    post,
    path = "/1.6/conversions/{id}/commissions",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cv_` id.", example = "1"), Preferences),
    request_body(
        content = CommissionsBody,
        example = json!({"conversion_sub_amount": 50, "commission_type": "mycommissiontype", "comment": "Awesome!"})
    ),
    responses(
        (
            status = 200,
            body = Vec<tapfiliate_json::CommissionLine<'_>>,
            example = json!(example(CONVERSION_EXAMPLE).get("commissions"))
        ),
        Pending,
    )
)]
pub(super) async fn add_commissions(
    State(ingest): State<Ingest>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // What is no text names no conversion either.
    let id = id.map_or_else(|_no_text| String::new(), |Path(id)| id);
    call_with(&ingest, request, |received| parse(&id, received)).await
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = rest::NewCommissions)]
#[expect(dead_code, reason = "describes what `parse` reads")]
enum CommissionsBody {
    One(NewCommission),
    Several(Vec<NewCommission>),
}

#[derive(ToSchema)]
#[schema(as = rest::NewCommission)]
#[expect(dead_code, reason = "describes what `line` reads")]
struct NewCommission {
    conversion_sub_amount: Amount,
    commission_type: Option<String>,
    comment: Option<String>,
}

/// The conversion by its number or its `cv_` id; one commission or a list. One that is wrong fails all (changelog of 1.5).
///
/// # Errors
/// 404 for what can be no conversion, else the field that is missing or wrong.
fn parse(id: &str, received: &Received) -> Result<Body, Rejection> {
    let by_name = || PublicId::parse(PublicIdKind::Conversion, id).map(|id| id.number);
    let number = id.parse().ok().or_else(by_name).ok_or(Rejection::NotFound)?;
    let entries = received.body_list(MAX_COMMISSIONS)?;
    Ok(Body::AddCommissions(AddCommissions {
        conversion: ConversionId(number),
        lines: entries.iter().map(line).collect::<Result<_, _>>()?,
    }))
}

fn line(entry: &Fields) -> Result<CommissionLine, Invalid> {
    Ok(CommissionLine {
        sub_amount: entry.required_amount("conversion_sub_amount")?,
        commission_type: commission_type(entry)?,
        comment: entry.remark("comment", MAX_NOTES),
    })
}
