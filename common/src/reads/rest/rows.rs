//! Columns that several lists read alike.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;

use crate::domain::{
    AffiliateId, AffiliateView, ClickSummary, CommissionId, CommissionView, ConversionId, Currency, MetaData,
    PaymentId, ProgramView,
};

#[derive(sqlx::FromRow)]
pub(super) struct AffiliateRow {
    affiliate_id: AffiliateId,
    slug: String,
    firstname: String,
    lastname: String,
}

#[derive(sqlx::FromRow)]
#[expect(clippy::struct_field_names, reason = "columns beside those of other tables")]
pub(super) struct ProgramRow {
    program_slug: String,
    program_title: String,
    program_currency: Currency,
}

/// A click beside what it led to.
#[derive(sqlx::FromRow)]
pub(super) struct ClickRow {
    clicked_at: Option<DateTime<Utc>>,
    referrer: Option<String>,
    landing_page: Option<String>,
    click_meta_data: Option<Json<MetaData>>,
}

/// A commission with its affiliate.
#[derive(sqlx::FromRow)]
pub(super) struct CommissionRow {
    pub(super) conversion_id: Option<ConversionId>,
    pub(super) commission_id: CommissionId,
    pub(super) kind: String,
    pub(super) commission_type: String,
    pub(super) commission_name: String,
    pub(super) sub_amount: Decimal,
    pub(super) amount: Decimal,
    pub(super) currency: Currency,
    pub(super) approved: Option<bool>,
    pub(super) comment: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) payment_id: Option<PaymentId>,
    pub(super) finalised_at: Option<DateTime<Utc>>,
    pub(super) affiliate_id: AffiliateId,
    pub(super) slug: String,
    pub(super) firstname: String,
    pub(super) lastname: String,
}

impl AffiliateRow {
    pub(super) fn into_view(self) -> AffiliateView {
        AffiliateView {
            id: self.affiliate_id,
            slug: self.slug,
            firstname: self.firstname,
            lastname: self.lastname,
        }
    }
}

impl ProgramRow {
    pub(super) fn into_view(self) -> ProgramView {
        ProgramView {
            slug: self.program_slug,
            title: self.program_title,
            currency: self.program_currency,
        }
    }
}

impl ClickRow {
    /// The click, and what the affiliate attached to it.
    pub(super) fn into_views(self) -> (Option<ClickSummary>, Option<MetaData>) {
        let click = self.clicked_at.map(|created_at| ClickSummary {
            created_at,
            referrer: self.referrer,
            landing_page: self.landing_page,
        });
        let data = self.click_meta_data.map(|data| data.0);
        (click, data.filter(|data| !data.is_empty()))
    }
}

impl CommissionRow {
    pub(super) fn into_view(self) -> CommissionView {
        CommissionView {
            id: self.commission_id,
            kind: self.kind,
            affiliate: AffiliateView {
                id: self.affiliate_id,
                slug: self.slug,
                firstname: self.firstname,
                lastname: self.lastname,
            },
            commission_type: self.commission_type,
            commission_name: self.commission_name,
            sub_amount: self.sub_amount,
            amount: self.amount,
            currency: self.currency,
            approved: self.approved,
            comment: self.comment,
            created_at: self.created_at,
            conversion: self.conversion_id,
            payment: self.payment_id,
            finalised_at: self.finalised_at,
        }
    }
}
