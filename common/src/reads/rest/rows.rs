//! Columns that several lists read alike.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{
    db::{DbError, decode},
    domain::{
        AffiliateId, AffiliateView, ClickSummary, CommissionId, CommissionView, ConversionId, MetaData,
        PaymentId, ProgramView,
    },
};

#[derive(sqlx::FromRow)]
pub(crate) struct AffiliateRow {
    affiliate_id: i64,
    slug: String,
    firstname: String,
    lastname: String,
}

#[derive(sqlx::FromRow)]
#[expect(clippy::struct_field_names, reason = "columns beside those of other tables")]
pub(crate) struct ProgramRow {
    program_slug: String,
    program_title: String,
    program_currency: String,
}

/// A click beside what it led to.
#[derive(sqlx::FromRow)]
pub(crate) struct ClickRow {
    clicked_at: Option<DateTime<Utc>>,
    referrer: Option<String>,
    landing_page: Option<String>,
    click_meta_data: Option<sqlx::types::Json<MetaData>>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct CommissionRow {
    pub(crate) conversion_id: Option<i64>,
    commission_id: i64,
    kind: String,
    commission_type: String,
    commission_name: String,
    sub_amount: Decimal,
    amount: Decimal,
    currency: String,
    approved: Option<bool>,
    comment: Option<String>,
    created_at: DateTime<Utc>,
    payment_id: Option<i64>,
    finalised_at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
}

impl AffiliateRow {
    pub(crate) fn into_view(self) -> AffiliateView {
        AffiliateView {
            id: AffiliateId(self.affiliate_id),
            slug: self.slug,
            firstname: self.firstname,
            lastname: self.lastname,
        }
    }
}

impl ProgramRow {
    pub(crate) fn into_view(self) -> Result<ProgramView, DbError> {
        Ok(ProgramView {
            slug: self.program_slug,
            title: self.program_title,
            currency: decode::currency("programs.currency", &self.program_currency)?,
        })
    }
}

impl ClickRow {
    /// The click, and what the affiliate attached to it.
    pub(crate) fn into_views(self) -> (Option<ClickSummary>, Option<MetaData>) {
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
    pub(crate) fn into_view(self) -> Result<CommissionView, DbError> {
        Ok(CommissionView {
            id: CommissionId(self.commission_id),
            kind: self.kind,
            affiliate: self.affiliate.into_view(),
            commission_type: self.commission_type,
            commission_name: self.commission_name,
            sub_amount: self.sub_amount,
            amount: self.amount,
            currency: decode::currency("commissions.currency", &self.currency)?,
            approved: self.approved,
            comment: self.comment,
            created_at: self.created_at,
            conversion: self.conversion_id.map(ConversionId),
            payment: self.payment_id.map(PaymentId),
            finalised_at: self.finalised_at,
        })
    }
}
