//! What a client asked for, in the terms of the domain: the same for every dialect.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Currency, EventId, OrgId, ProgramId};

/// Free data that a client attaches; values are JSON.
pub type MetaData = serde_json::Map<String, serde_json::Value>;

/// One request, accepted and on its way. Everything that deciding needs besides the state of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub org: OrgId,
    pub dialect: Dialect,
    pub received_at: DateTime<Utc>,
    /// Whether a secret vouched for it. What came without one never blocks what came with one.
    pub trusted: bool,
    /// The program that the key is bound to: it sees no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_scope: Option<ProgramId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Until when somebody waits for the outcome; handled later, the event counts as asynchronous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<DateTime<Utc>>,
    pub body: Body,
}

impl Event {
    /// The order that the event is about, if it names one.
    pub fn order(&self) -> Option<&str> {
        match &self.body {
            Body::CreateConversion(create) => create.external_id.as_deref(),
            Body::UpdateConversion(update) => Some(&update.external_id),
            Body::Refund(refund) => Some(&refund.external_id),
        }
    }

    /// The customer that the event names, if it does.
    pub fn customer(&self) -> Option<&Identity> {
        match &self.body {
            Body::CreateConversion(create) => create.customer.as_ref().map(|customer| &customer.identity),
            Body::UpdateConversion(_) | Body::Refund(_) => None,
        }
    }

    /// Whether a caller still waits for the answer at `now`.
    pub fn is_awaited(&self, now: DateTime<Utc>) -> bool {
        self.wait_until.is_some_and(|until| now < until)
    }
}

/// The wire format in which an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    Yaplet,
    Postback,
    Rest,
    Affitor,
    Affy,
    Pixel,
    Native,
}

impl Dialect {
    pub const ALL: [Self; 7] = [
        Self::Yaplet,
        Self::Postback,
        Self::Rest,
        Self::Affitor,
        Self::Affy,
        Self::Pixel,
        Self::Native,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Yaplet => "yaplet",
            Self::Postback => "postback",
            Self::Rest => "rest",
            Self::Affitor => "affitor",
            Self::Affy => "affy",
            Self::Pixel => "pixel",
            Self::Native => "native",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

/// A client's `Idempotency-Key`, unique in its organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    pub key: String,
    /// Hex SHA-256 of method, route and body: the same key with another request is refused.
    pub hash: String,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    CreateConversion(Box<CreateConversion>),
    UpdateConversion(UpdateConversion),
    Refund(Refund),
}

/// The kind of a [`Body`], as operators filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    CreateConversion,
    UpdateConversion,
    Refund,
}

impl Body {
    pub fn kind(&self) -> EventKind {
        match self {
            Self::CreateConversion(_) => EventKind::CreateConversion,
            Self::UpdateConversion(_) => EventKind::UpdateConversion,
            Self::Refund(_) => EventKind::Refund,
        }
    }
}

impl EventKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateConversion => "create_conversion",
            Self::UpdateConversion => "update_conversion",
            Self::Refund => "refund",
        }
    }
}

/// A sale to record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateConversion {
    /// The order id, unique among the living conversions of an organisation. Without one nothing is a duplicate.
    pub external_id: Option<String>,
    pub attribution: Attribution,
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
    /// The time of the sale. Default: when it was received.
    pub occurred_at: Option<DateTime<Utc>>,
    pub meta_data: MetaData,
    /// Notes, product, user agent, ip: kept for reports.
    pub details: MetaData,
}

/// One part of a sale with its own commission type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommissionLine {
    pub sub_amount: Decimal,
    pub commission_type: Option<String>,
    pub comment: Option<String>,
}

/// By what the affiliate may be found. Which counts first is the dialect's: see [`super::attribution`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attribution {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}

/// By what a customer is known within the organisation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The merchant's own id.
    Id(String),
    /// The folded e-mail address: an identity only for Yaplet (seed: Yaplet, deduplication).
    Email(String),
}

impl Identity {
    /// An address identifies without its case and surrounding spaces.
    pub fn email(address: &str) -> Self {
        Self::Email(address.trim().to_lowercase())
    }

    /// The one text under which it is stored.
    pub fn key(&self) -> String {
        match self {
            Self::Id(id) => format!("id:{id}"),
            Self::Email(address) => format!("email:{address}"),
        }
    }

    /// The reverse of [`Identity::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once(':')? {
            ("id", id) => Some(Self::Id(id.to_owned())),
            ("email", address) => Some(Self::Email(address.to_owned())),
            _ => None,
        }
    }
}

/// The customer of a sale, as far as the request tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerRef {
    pub identity: Identity,
    /// The merchant's id for cross-reference, where the identity is another.
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    #[serde(default)]
    pub meta_data: MetaData,
}

/// A change of a recorded sale. Only what is given changes; per field the latest event wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateConversion {
    pub external_id: String,
    /// Commissions follow (seed: Postback 1.7).
    pub amount: Option<Decimal>,
    pub status: Option<ConversionStatus>,
    pub meta_data: Option<MetaData>,
}

/// The state of all commissions of a conversion (seed: Postback 1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversionStatus {
    Approved,
    Disapproved,
}

/// Money given back for a recorded sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    pub external_id: String,
    /// Part of the order's amount; `None`: all that is left.
    pub amount: Option<Decimal>,
    /// Tells two equal refunds from a retry.
    pub refund_id: Option<String>,
}
