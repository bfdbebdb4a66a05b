//! Commissions: within a conversion, and as a resource of their own.

use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::{Affiliate, null, number, plain_time};
use crate::domain::{CommissionView, PublicId, PublicIdKind, entities::CommissionKind};

/// A commission, as its conversion shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::CommissionLine)]
pub struct CommissionLine<'a> {
    id: i64,
    /// A bonus is calculated on no sale and lacks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, format = "decimal", nullable = false)]
    conversion_sub_amount: Option<Number>,
    #[schema(value_type = f64, format = "decimal")]
    amount: Number,
    commission_type: &'a str,
    /// Null while it is pending.
    #[schema(required)]
    approved: Option<bool>,
    affiliate: Affiliate<'a>,
    #[schema(value_type = CommissionKind)]
    kind: &'a str,
    /// ISO 4217
    currency: &'a str,
    created_at: String,
    /// The payment that covers it.
    #[schema(required)]
    payout: Option<Payout>,
    #[schema(required)]
    comment: Option<&'a str>,
    /// Always null.
    #[schema(schema_with = null)]
    r#final: (),
    commission_name: &'a str,
}

/// A commission with what it belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Commission)]
pub struct Commission<'a> {
    #[serde(flatten)]
    line: CommissionLine<'a>,
    #[schema(required)]
    conversion: Option<ConversionId>,
    /// When it is approved by itself.
    #[schema(required)]
    finalization_date: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::ConversionId)]
struct ConversionId {
    id: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Payout)]
struct Payout {
    id: String,
}

impl<'a> From<&'a CommissionView> for CommissionLine<'a> {
    fn from(view: &'a CommissionView) -> Self {
        Self {
            id: view.id.0,
            conversion_sub_amount: (view.kind != "bonus").then(|| number(view.sub_amount)),
            amount: number(view.amount),
            commission_type: &view.commission_type,
            approved: view.approved,
            affiliate: Affiliate::from(&view.affiliate),
            kind: &view.kind,
            currency: view.currency.code(),
            created_at: plain_time(view.created_at),
            payout: view.payment.map(|payment| Payout {
                id: PublicId::new(PublicIdKind::Payment, payment.0).to_string(),
            }),
            comment: view.comment.as_deref(),
            r#final: (),
            commission_name: &view.commission_name,
        }
    }
}

impl<'a> From<&'a CommissionView> for Commission<'a> {
    fn from(view: &'a CommissionView) -> Self {
        Self {
            line: CommissionLine::from(view),
            conversion: view.conversion.map(|id| ConversionId { id: id.0 }),
            finalization_date: view.finalised_at.map(plain_time),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::domain::{AffiliateId, AffiliateView, CommissionId, PaymentId};

    #[test]
    fn a_bonus_has_no_sub_amount_and_no_conversion() {
        let created_at = DateTime::from_timestamp(1_617_250_982, 0).unwrap();
        let mut view = CommissionView {
            id: CommissionId(111),
            kind: "bonus".into(),
            affiliate: AffiliateView {
                id: AffiliateId(1),
                slug: "janejameson".into(),
                firstname: "Jane".into(),
                lastname: "Jameson".into(),
            },
            commission_type: "sales-bonus".into(),
            commission_name: "Sales bonus".into(),
            sub_amount: "0".parse().unwrap(),
            amount: "5.000".parse().unwrap(),
            currency: "EUR".parse().unwrap(),
            approved: Some(true),
            comment: None,
            created_at,
            conversion: None,
            payment: None,
            finalised_at: None,
        };
        let want = json!({
            "id": 111, "amount": 5, "approved": true, "created_at": "2021-04-01T04:23:02+0000",
            "commission_type": "sales-bonus", "comment": null, "conversion": null, "payout": null,
            "affiliate": {"id": "janejameson", "firstname": "Jane", "lastname": "Jameson"}, "kind": "bonus",
            "currency": "EUR", "final": null, "finalization_date": null, "commission_name": "Sales bonus"
        });
        assert_eq!(printed(&view), want);

        view.kind = "regular".into();
        view.conversion = Some(crate::domain::ConversionId(2));
        view.payment = Some(PaymentId(9));
        view.finalised_at = Some(created_at);
        let payment = PublicId::new(PublicIdKind::Payment, 9).to_string();
        let regular = printed(&view);
        assert_eq!(regular["conversion_sub_amount"], json!(0));
        assert_eq!(regular["conversion"], json!({"id": 2}));
        assert_eq!(regular["payout"], json!({"id": payment}));
        assert_eq!(regular["finalization_date"], "2021-04-01T04:23:02+0000");
    }

    /// By way of the text: that is what clients read.
    fn printed(view: &CommissionView) -> serde_json::Value {
        let text = serde_json::to_string(&Commission::from(view)).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}
