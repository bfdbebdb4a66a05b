//! Typed ids, and the codec that gives one row all of its public names.

use std::{collections::HashSet, fmt, sync::LazyLock};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqids::Sqids;
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! numeric_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

numeric_ids! {
    /// An organisation: the tenant.
    OrgId,
    ProgramId,
    AffiliateId,
    CustomerId,
    /// A conversion. REST 1.6 and Affitor print the number itself.
    ConversionId,
    /// A commission. REST 1.6 and Affitor print the number itself.
    CommissionId,
    /// A click. AFFY prints the number itself; its other names are in [`super::click_name`].
    ClickId,
    PaymentId,
}

/// What rows and envelopes hold where the organisation is not known: no organisation has this number.
const NO_ORG: i64 = 0;

impl OrgId {
    /// As rows, envelopes, locks and the proof of an event's id hold it.
    pub fn stored(org: Option<Self>) -> i64 {
        org.map_or(NO_ORG, |org| org.0)
    }

    /// The reverse of [`OrgId::stored`].
    pub fn from_stored(number: i64) -> Option<Self> {
        (number != NO_ORG).then_some(Self(number))
    }
}

/// An organisation that may not be known, in JSON: as [`OrgId::stored`].
pub(super) mod org_or_none {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::OrgId;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(in crate::domain) fn serialize<S: Serializer>(
        org: &Option<OrgId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        OrgId::stored(*org).serialize(serializer)
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OrgId>, D::Error> {
        i64::deserialize(deserializer).map(OrgId::from_stored)
    }
}

/// An event's id: a UUIDv7, so ids order by the millisecond in which the event was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// When the event was received, to the millisecond: a UUIDv7 begins with it.
    pub fn time(self) -> DateTime<Utc> {
        let millis = i64::try_from(self.0.as_u128() >> 80).unwrap_or_default();
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a public id names; each kind has its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicIdKind {
    /// `cv_…` (seed: Postback 1.7)
    Conversion,
    /// `cm_…` (seed: Postback 1.7)
    Commission,
    /// `cu_…` (seed: REST 1.6)
    Customer,
    /// `pa_…` (seed: REST 1.6)
    Payment,
    /// `ag_…` of a group that was made by a call (seed: REST 1.6)
    AffiliateGroup,
    /// `comm_…` (seed: Yaplet)
    YapletCommission,
    /// `partner_…` (seed: Yaplet)
    YapletPartner,
    /// `customer_…` (seed: Yaplet)
    YapletCustomer,
}

impl PublicIdKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Conversion => "cv_",
            Self::Commission => "cm_",
            Self::Customer => "cu_",
            Self::Payment => "pa_",
            Self::AffiliateGroup => "ag_",
            Self::YapletCommission => "comm_",
            Self::YapletPartner => "partner_",
            Self::YapletCustomer => "customer_",
        }
    }
}

/// A number under one of its public names. Reversible: no column stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicId {
    pub kind: PublicIdKind,
    pub number: i64,
}

/// Characters after the prefix, at least.
const MIN_LENGTH: u8 = 12;

/// Without sqids' list of bad words: looking for 500 words in each id was a tenth of a request's time.
static CODEC: LazyLock<Option<Sqids>> = LazyLock::new(|| {
    Sqids::builder()
        .min_length(MIN_LENGTH)
        .blocklist(HashSet::new())
        .build()
        .ok()
});

impl PublicId {
    pub fn new(kind: PublicIdKind, number: i64) -> Self {
        Self { kind, number }
    }

    /// The row that `text` names, if it is an id of this kind in its one canonical spelling.
    pub fn parse(kind: PublicIdKind, text: &str) -> Option<Self> {
        let code = text.strip_prefix(kind.prefix())?;
        let numbers = CODEC.as_ref()?.decode(code);
        let [number] = numbers.as_slice() else { return None };
        let id = Self::new(kind, i64::try_from(*number).ok()?);
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u64::try_from(self.number).map_err(|_negative| fmt::Error)?;
        let code = CODEC
            .as_ref()
            .and_then(|codec| codec.encode(&[number]).ok())
            .ok_or(fmt::Error)?;
        write!(f, "{}{code}", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_has_one_spelling_and_one_kind() {
        let id = PublicId::new(PublicIdKind::Conversion, 17).to_string();
        assert!(
            id.starts_with("cv_") && id.len() >= 3 + usize::from(MIN_LENGTH),
            "{id}"
        );
        assert_eq!(PublicId::parse(PublicIdKind::Commission, &id), None);
        assert_eq!(PublicId::parse(PublicIdKind::Conversion, &format!("{id}a")), None);
        assert_eq!(PublicId::parse(PublicIdKind::Conversion, "cv_"), None);
    }

    proptest! {
        #[test]
        fn ids_are_reversible(number in 0i64..i64::MAX) {
            for kind in [PublicIdKind::Conversion, PublicIdKind::YapletPartner] {
                let id = PublicId::new(kind, number);
                prop_assert_eq!(PublicId::parse(kind, &id.to_string()), Some(id));
            }
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let name = format!("cv_{text}");
            if let Some(id) = PublicId::parse(PublicIdKind::Conversion, &name) {
                prop_assert_eq!(id.to_string(), name);
            }
        }
    }
}
