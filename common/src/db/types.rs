//! How columns become the domain's own types, for the checked queries: `org_id AS "org_id: OrgId"`.
//!
//! Only reading: what is written says its column's type by itself (`org.0`, `currency.code()`).

use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueRef},
};
use uuid::Uuid;

use crate::domain::{
    AffiliateId, ClickId, CommissionId, ConversionId, Currency, CustomerId, Dialect, EventId, EventStatus,
    OrgId, PaymentId, ProgramId,
    entities::{CommissionKind, ScheduleKind},
    ledger::{Account, TransferCode},
};

/// `$type` is stored as `$stored`, and made of it by `$read`.
macro_rules! stored_as {
    ($stored:ty, $($type:ty => $read:expr),+ $(,)?) => {$(
        impl Type<Postgres> for $type {
            fn type_info() -> PgTypeInfo {
                <$stored as Type<Postgres>>::type_info()
            }

            fn compatible(column: &PgTypeInfo) -> bool {
                <$stored as Type<Postgres>>::compatible(column)
            }
        }

        impl<'r> Decode<'r, Postgres> for $type {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let read: fn($stored) -> Result<Self, BoxDynError> = $read;
                read(<$stored as Decode<'r, Postgres>>::decode(value)?)
            }
        }
    )+};
}

stored_as! { i64,
    OrgId => |number| Ok(Self(number)),
    ProgramId => |number| Ok(Self(number)),
    AffiliateId => |number| Ok(Self(number)),
    CustomerId => |number| Ok(Self(number)),
    ConversionId => |number| Ok(Self(number)),
    CommissionId => |number| Ok(Self(number)),
    ClickId => |number| Ok(Self(number)),
    PaymentId => |number| Ok(Self(number)),
}

stored_as! { Uuid,
    EventId => |id| Ok(Self(id)),
}

stored_as! { &str,
    Currency => |code| Ok(code.parse()?),
    Dialect => |name| known(name, Self::parse(name)),
    CommissionKind => |name| known(name, Self::parse(name)),
    ScheduleKind => |name| known(name, Self::parse(name)),
    EventStatus => |name| known(name, Self::parse(name)),
    Account => |name| known(name, Self::parse(name)),
    TransferCode => |code| known(code, Self::from_stored(code)),
}

/// A name that no version of this code wrote is an error of its row.
fn known<T>(name: &str, value: Option<T>) -> Result<T, BoxDynError> {
    value.ok_or_else(|| format!("unknown value {name:?}").into())
}
