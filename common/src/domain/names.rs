//! Enums that have a name outside of the code: in columns, envelopes, answers and arguments of commands. The name of each
//! variant stands once, in strum's attributes; serde's are proved to be the same.

/// Gives enums that derive strum's `IntoStaticStr` and `EnumString` the methods by which their names are used.
macro_rules! named {
    ($($name:ty),+ $(,)?) => {$(
        impl $name {
            /// As it is stored and printed.
            pub fn name(self) -> &'static str {
                self.into()
            }

            /// The reverse of `name`.
            pub fn parse(name: &str) -> Option<Self> {
                name.parse().ok()
            }
        }
    )+};
}
pub(crate) use named;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Debug};

    use serde::{Serialize, de::DeserializeOwned};
    use strum::{IntoEnumIterator, VariantNames};
    use utoipa::PartialSchema;

    use crate::domain::{
        CustomerLifecycle, Dialect, EventKind, EventStatus, Reason, TestKind,
        attribution::AttributionMethod,
        catalog::{BonusTarget, Recurrence},
        entities::{CommissionKind, ScheduleKind},
        ledger::{Account, TransferCode},
    };

    /// Each variant has a name of its own, by which it is found again.
    fn has_names<T>() -> Vec<&'static str>
    where
        T: IntoEnumIterator
            + VariantNames
            + Copy
            + Debug
            + PartialEq
            + std::str::FromStr
            + Into<&'static str>,
    {
        let names: Vec<&'static str> = T::iter().map(Into::into).collect();
        assert_eq!(names, T::VARIANTS);
        assert_eq!(
            names.iter().collect::<BTreeSet<_>>().len(),
            names.len(),
            "{names:?}"
        );
        for variant in T::iter() {
            let name: &'static str = variant.into();
            assert_eq!(name.parse().ok(), Some(variant), "{name}");
        }
        names
    }

    /// In JSON each variant has the name that it has elsewhere.
    fn has_names_in_json<T>() -> Vec<&'static str>
    where
        T: IntoEnumIterator
            + VariantNames
            + Copy
            + Debug
            + PartialEq
            + std::str::FromStr
            + Into<&'static str>,
        T: Serialize + DeserializeOwned,
    {
        for variant in T::iter() {
            let json = serde_json::to_value(variant).unwrap();
            assert_eq!(json, variant.into());
            assert_eq!(serde_json::from_value::<T>(json).unwrap(), variant);
        }
        has_names::<T>()
    }

    #[test]
    fn a_name_is_the_same_everywhere() {
        has_names_in_json::<Dialect>();
        has_names_in_json::<EventKind>();
        has_names_in_json::<EventStatus>();
        has_names_in_json::<Reason>();
        has_names_in_json::<TestKind>();
        has_names_in_json::<CustomerLifecycle>();
        has_names_in_json::<BonusTarget>();
        has_names_in_json::<TransferCode>();
        has_names::<CommissionKind>();
        has_names::<ScheduleKind>();
        has_names::<Account>();
        has_names::<AttributionMethod>();
        has_names::<Recurrence>();
    }

    /// The words that the description of the api publishes.
    fn has_its_names_described<T: VariantNames + PartialSchema>() {
        let schema = serde_json::to_value(T::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::json!(T::VARIANTS));
    }

    #[test]
    fn what_is_described_are_the_names() {
        has_its_names_described::<Dialect>();
        has_its_names_described::<EventKind>();
        has_its_names_described::<EventStatus>();
        has_its_names_described::<Reason>();
        has_its_names_described::<CustomerLifecycle>();
        has_its_names_described::<TransferCode>();
        has_its_names_described::<CommissionKind>();
        has_its_names_described::<Account>();
        has_its_names_described::<AttributionMethod>();
    }

    #[test]
    fn every_reason_is_documented() {
        let operations = include_str!("../../../docs/OPERATIONS.md");
        for reason in Reason::iter() {
            assert!(operations.contains(&format!("`{}`", reason.code())), "{reason:?}");
        }
    }

    /// Rows and envelopes of earlier versions hold them.
    #[test]
    fn stored_names_stay() {
        let kinds = "create_conversion update_conversion refund chargeback edit_conversion add_commissions \
                     edit_commission click create_customer update_customer lead pay cancel_payment scheduled test \
                     recalculate_commissions";
        assert_eq!(EventKind::VARIANTS.join(" "), kinds);
        let statuses = "applied refused parked queued dead discarded";
        assert_eq!(EventStatus::VARIANTS.join(" "), statuses);
        let dialects = "yaplet postback rest affitor affy pixel native internal";
        assert_eq!(Dialect::VARIANTS.join(" "), dialects);
        assert_eq!(Account::VARIANTS.join(" "), "expense pending payable paid");
        assert_eq!(
            CommissionKind::VARIANTS.join(" "),
            "regular level bonus recurring"
        );
        assert_eq!(ScheduleKind::VARIANTS.join(" "), "hold recurrence");
        assert_eq!(CustomerLifecycle::VARIANTS.join(" "), "new trial lead");
        assert_eq!(Recurrence::VARIANTS.join(" "), "once weekly monthly yearly");
        let methods = "customer_id coupon click_id referral_code asset_id tracking_id session";
        assert_eq!(AttributionMethod::VARIANTS.join(" "), methods);
        let codes: Vec<_> = TransferCode::iter().map(TransferCode::stored).collect();
        assert_eq!(codes.join(" "), "accrue approve reverse unapprove pay unpay");
    }
}
