//! Sales and what happens to them later.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    attribution_fields::AttributionFields,
    customer::CustomerRef,
    dialect::Dialect,
    identity::Identity,
    meta_data::{MetaChange, MetaData},
    needs::{Needs, NewRows},
};
use crate::domain::{CommissionId, ConversionId, Currency};

/// A sale to record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateConversion {
    /// The order id, unique among the living conversions of an organisation. Without one nothing is a duplicate.
    pub external_id: Option<String>,
    pub attribution: AttributionFields,
    /// Order total, in units of the currency, at most 6 decimals.
    pub amount: Decimal,
    /// Default: the program's.
    pub currency: Option<Currency>,
    /// An exact commission instead of the calculated one (seed: Yaplet).
    pub commission: Option<Decimal>,
    /// Identifier of the commission type. Default: the program's.
    pub commission_type: Option<String>,
    /// Parts with a type each: replaces `amount` and `commission_type` for the calculation (seed: REST 1.6).
    pub lines: Vec<CommissionLine>,
    pub customer: Option<CustomerRef>,
    /// A click counts whatever its age (seed: REST 1.6).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub override_max_cookie_time: bool,
    /// The time of the sale. Default: when it was received.
    pub occurred_at: Option<DateTime<Utc>>,
    pub meta_data: MetaData,
    /// Notes, product, user agent, ip: kept for reports.
    pub details: MetaData,
    /// The number of the API key that sent it. `None`: no key, or a version before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<i64>,
    /// Repeated with the same meaning, it is answered as it was first, where other repetitions are told that they are one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answers_first: bool,
}

impl CreateConversion {
    /// The customer as the sender calls it, where that may lead to an affiliate.
    pub fn customer_name(&self) -> Option<&str> {
        let customer = self.customer.as_ref()?;
        match &customer.identity {
            Identity::Id(id) => Some(id),
            _ => customer.external_id.as_deref(),
        }
    }

    pub(super) fn needs(&self, dialect: Dialect) -> Needs<'_> {
        // In the dialects of clicks a visitor who told no id is a customer too.
        let is_visitor = matches!(dialect, Dialect::Affitor | Dialect::Affy);
        let named = self.customer.iter();
        Needs {
            order: self.external_id.as_deref(),
            customers: named.map(|customer| customer.identity.clone()).collect(),
            clicks: self.attribution.clicks().collect(),
            session: self.attribution.session.as_deref(),
            attribution: Some(&self.attribution),
            new_rows: NewRows {
                conversions: 1,
                commission_lines: self.lines.len().max(1),
                customers: usize::from(self.customer.is_some() || is_visitor),
                ..NewRows::default()
            },
            ..Needs::default()
        }
    }
}

/// One part of a sale with its own commission type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommissionLine {
    pub sub_amount: Decimal,
    pub commission_type: Option<String>,
    pub comment: Option<String>,
}

/// A change of a recorded sale. Only what is given changes; per field the latest change wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateConversion {
    pub external_id: String,
    /// Commissions follow (seed: Postback 1.7).
    pub amount: Option<Decimal>,
    pub status: Option<ConversionStatus>,
    pub meta_data: Option<MetaData>,
    /// When it was, where the client tells: of two changes of a field the later counts, in whatever order they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
}

impl UpdateConversion {
    pub(super) fn needs(&self) -> Needs<'_> {
        needs_order(&self.external_id)
    }
}

/// The state of all commissions of a conversion.
// seed: Postback 1.7
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversionStatus {
    Approved,
    Disapproved,
}

/// Money given back for a recorded sale.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    pub external_id: String,
    /// Part of the order's amount; `None`: all that is left.
    pub amount: Option<Decimal>,
    /// The same in the minor unit of the sale's currency, which such a caller does not name (seed: Affitor).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor_units: Option<i64>,
    /// Tells two equal refunds from a retry.
    pub refund_id: Option<String>,
}

impl Refund {
    pub(super) fn needs(&self) -> Needs<'_> {
        needs_order(&self.external_id)
    }
}

/// The bank took the money of a sale back, or gave it again. The latest of them counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chargeback {
    pub external_id: String,
    /// The merchant won the dispute: the sale stands again.
    #[serde(default)]
    pub reversed: bool,
    /// When it was, where the client tells: of two changes of a field the later counts, in whatever order they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
}

impl Chargeback {
    pub(super) fn needs(&self) -> Needs<'_> {
        needs_order(&self.external_id)
    }
}

/// Of what changes an order that must be there.
fn needs_order(order: &str) -> Needs<'_> {
    Needs {
        order: Some(order),
        waits_for_order: true,
        ..Needs::default()
    }
}

/// A change of the conversion with this number (seed: REST 1.6). Commissions stay as they are unless `recalculate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EditConversion {
    pub conversion: ConversionId,
    #[serde(default)]
    pub amount: Option<Decimal>,
    #[serde(default)]
    pub external_id: Option<String>,
    /// Replaces what is there.
    #[serde(default)]
    pub meta_data: Option<MetaData>,
    /// One property of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_change: Option<MetaChange>,
    #[serde(default)]
    pub recalculate: bool,
    /// Takes all of its money back and frees its external id; the row stays.
    #[serde(default)]
    pub delete: bool,
}

impl EditConversion {
    /// A change of nothing yet.
    pub fn of(conversion: ConversionId) -> Self {
        Self {
            conversion,
            amount: None,
            external_id: None,
            meta_data: None,
            meta_change: None,
            recalculate: false,
            delete: false,
        }
    }

    pub(super) fn needs(&self) -> Needs<'_> {
        Needs {
            conversion: Some(self.conversion),
            new_order: self.external_id.as_deref(),
            ..Needs::default()
        }
    }
}

/// Further commissions of a conversion, levels included (seed: REST 1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddCommissions {
    pub conversion: ConversionId,
    pub lines: Vec<CommissionLine>,
}

impl AddCommissions {
    pub(super) fn needs(&self) -> Needs<'_> {
        Needs {
            conversion: Some(self.conversion),
            new_rows: NewRows {
                commission_lines: self.lines.len(),
                ..NewRows::default()
            },
            ..Needs::default()
        }
    }
}

/// A change of one commission (seed: REST 1.6). Only what is given changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EditCommission {
    pub commission: CommissionId,
    #[serde(default)]
    pub approved: Option<bool>,
    /// An exact amount, which no longer follows the sale.
    #[serde(default)]
    pub amount: Option<Decimal>,
    /// The commission is calculated anew on this.
    #[serde(default)]
    pub sub_amount: Option<Decimal>,
    #[serde(default)]
    pub comment: Option<String>,
    /// Leaves one alone that was approved or disapproved meanwhile: it was chosen because it was pending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_pending: bool,
}

impl EditCommission {
    /// A change of nothing yet.
    pub fn of(commission: CommissionId) -> Self {
        Self {
            commission,
            approved: None,
            amount: None,
            sub_amount: None,
            comment: None,
            only_pending: false,
        }
    }

    pub(super) fn needs(&self) -> Needs<'_> {
        Needs {
            commission: Some(self.commission),
            ..Needs::default()
        }
    }
}
