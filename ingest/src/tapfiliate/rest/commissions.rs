//! `POST /1.6/conversions/{id}/commissions/`

use common::domain::{AddCommissions, Body, CommissionLine, ConversionId, PublicId, PublicIdKind};

use super::commission_type;
use common::http::{
    Rejection,
    request::{Fields, Invalid, MAX_NOTES, Received},
};

/// Commissions of one request, at most: each may pay levels, too.
pub const MAX_COMMISSIONS: usize = 100;

/// The conversion by its number or its `cv_` id; one commission or a list. One that is wrong fails all (changelog of 1.5).
///
/// # Errors
/// 404 for what can be no conversion, else the field that is missing or wrong.
pub(super) fn add(id: &str, received: &Received) -> Result<Body, Rejection> {
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
        comment: entry.prose("comment", MAX_NOTES)?,
    })
}
