//! What the calls answer when they are successful, and for a sale that was recorded before.

use common::{
    domain::{
        ClickView, ConversionView, EventId, First, LeadView, Outcome, RefundView, Refusal,
        click_name::click_code, entities::CommissionKind, trace::Verdict,
    },
    http::request::json_number,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::kind::{Call, Names};

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::ClickTracked)]
pub(super) struct ClickTracked {
    success: bool,
    click_id: String,
    /// The affiliate's code.
    partner_code: String,
    /// Days for which the click counts.
    cookie_window_days: i32,
}

impl From<&ClickView> for ClickTracked {
    fn from(view: &ClickView) -> Self {
        Self {
            success: true,
            click_id: click_code(view.id, view.created_at),
            partner_code: view.referral_code.clone(),
            cookie_window_days: view.cookie_time,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::LeadTracked)]
pub(super) struct LeadTracked {
    success: bool,
    /// It binds nobody: the program wants leads with a key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    provisional: bool,
    message: &'static str,
    #[serde(flatten)]
    older: Option<CustomerCode>,
}

/// On the older path alone.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::CustomerCode)]
struct CustomerCode {
    /// The click that was sent or found.
    customer_code: Option<String>,
}

const TRACKED: &str = "Lead tracked successfully";
const PROVISIONAL: &str = "Lead recorded as provisional. This program requires server-side (Bearer) lead \
                           tracking to settle attribution.";

impl LeadTracked {
    /// `sent`: the click as it was sent.
    pub(super) fn new(names: Names, sent: Option<&str>, view: &LeadView) -> Self {
        let found = view.click.as_ref();
        let found = found.map(|click| click_code(click.id, click.created_at));
        let is_older = names == Names::Legacy;
        Self {
            success: true,
            provisional: view.is_provisional,
            message: if view.is_provisional { PROVISIONAL } else { TRACKED },
            older: is_older.then(|| CustomerCode {
                customer_code: sent.map(str::to_owned).or(found),
            }),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::SaleTracked)]
pub(super) struct SaleTracked {
    success: bool,
    sale_id: i64,
    #[schema(required)]
    commission_id: Option<i64>,
    message: &'static str,
}

impl From<&ConversionView> for SaleTracked {
    fn from(view: &ConversionView) -> Self {
        Self {
            success: true,
            sale_id: view.id.0,
            commission_id: own_commission(view),
            message: "Sale tracked successfully",
        }
    }
}

/// The click is older than the program lets clicks count: nothing was recorded.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::ClickExpired)]
pub(super) struct ClickExpired {
    success: bool,
    attributed: bool,
    reason: &'static str,
    #[schema(required)]
    click_age_days: Option<i64>,
    #[schema(required)]
    window_days: Option<i32>,
    /// Always null.
    #[schema(required)]
    sale_id: Option<i64>,
    /// Always null.
    #[schema(required)]
    commission_id: Option<i64>,
}

impl From<&Refusal> for ClickExpired {
    fn from(refusal: &Refusal) -> Self {
        let candidates = refusal.trace.iter().flat_map(|trace| &trace.candidates);
        let click = candidates
            .into_iter()
            .find(|candidate| candidate.verdict == Verdict::Expired);
        Self {
            success: true,
            attributed: false,
            reason: "attribution_window_expired",
            click_age_days: click.and_then(|click| click.click_age_days),
            window_days: click.and_then(|click| click.window_days),
            sale_id: None,
            commission_id: None,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::RefundTracked)]
pub(super) struct RefundTracked {
    success: bool,
    sale_id: i64,
    #[schema(required)]
    commission_id: Option<i64>,
    status: RefundStatus,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    /// What it took from the commission, in units of the currency.
    #[serde(rename = "deductionAmount", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, format = "decimal", required = false)]
    deduction_amount: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = affitor::RefundStatus)]
enum RefundStatus {
    /// All of the commission was taken back.
    Reversed,
    /// Part of it.
    Refunded,
    /// The sale brought no commission.
    NoCommission,
    /// The refund had been recorded before.
    Skipped,
}

impl From<&RefundView> for RefundTracked {
    fn from(view: &RefundView) -> Self {
        let commission_id = own_commission(&view.conversion);
        let (status, message) = match (view.is_repeat, commission_id, view.is_full) {
            (true, _, _) => (RefundStatus::Skipped, "Refund has already been recorded"),
            (false, None, _) => (RefundStatus::NoCommission, "Sale has no commission to reverse"),
            (false, Some(_), true) => (RefundStatus::Reversed, "Commission reversed"),
            (false, Some(_), false) => (RefundStatus::Refunded, "Commission reduced by the refunded part"),
        };
        let is_deducted = matches!(status, RefundStatus::Reversed | RefundStatus::Refunded);
        Self {
            success: true,
            sale_id: view.conversion.id.0,
            commission_id,
            status,
            message,
            reason: view.is_repeat.then_some("already reversed"),
            // In units of the currency, while all else is in its minor unit (seed: Affitor, refund).
            deduction_amount: is_deducted.then(|| json_number(view.deducted, 0)),
        }
    }
}

/// The call was only tried out.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::TestTracked)]
pub(super) struct TestTracked {
    success: bool,
    message: String,
    data: TestData,
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::TestData)]
struct TestData {
    #[serde(rename = "eventId")]
    event_id: i64,
    /// As it was sent.
    #[serde(rename = "programId")]
    program_id: Value,
    test_mode: bool,
}

impl TestTracked {
    pub(super) fn new(call: Call, number: i64, program_id: Value) -> Self {
        Self {
            success: true,
            message: format!("Test {} event tracked successfully", name(call)),
            data: TestData {
                event_id: number,
                program_id,
                test_mode: true,
            },
        }
    }
}

/// The word for a test of `call` in its answer.
fn name(call: Call) -> &'static str {
    match call {
        Call::Click => "click",
        Call::Lead => "lead",
        Call::Sale => "sale",
        Call::Refund => "refund",
    }
}

/// Nothing was recorded, which is no error.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::Message)]
pub(super) struct Message {
    success: bool,
    message: &'static str,
}

impl Message {
    pub(super) fn not_recorded(message: &'static str) -> Self {
        Self {
            success: false,
            message,
        }
    }
}

/// The sale has been recorded before: for a caller whose first answer was lost.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::DuplicateSale)]
pub(super) struct DuplicateSale<'a> {
    error: &'a str,
    event_id: EventId,
    #[schema(required)]
    sale_id: Option<i64>,
    #[schema(required)]
    commission_id: Option<i64>,
}

impl<'a> DuplicateSale<'a> {
    pub(super) fn new(error: &'a str, first: &First) -> Self {
        let view = match &first.outcome {
            Some(Outcome::Applied(applied)) => applied.conversion(),
            _ => None,
        };
        Self {
            error,
            event_id: first.event_id,
            sale_id: view.map(|view| view.id.0),
            commission_id: view.and_then(own_commission),
        }
    }
}

/// The seller's: what levels above earn is not this caller's matter.
fn own_commission(view: &ConversionView) -> Option<i64> {
    let mut own = view
        .commissions
        .iter()
        .filter(|commission| commission.kind == CommissionKind::Regular.name());
    own.next().map(|commission| commission.id.0)
}
