//! What a call did, as REST 1.6 prints it.

use common::{
    domain::{Applied, ClickView, click_name::click_uuid},
    tapfiliate_json::{Commission, CommissionLine, Conversion, Customer},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::tapfiliate::answer::raw;

/// The row as it is now; of a click its id alone.
pub(super) fn effect(applied: &Applied) -> Box<RawValue> {
    match applied {
        Applied::Click(click) => raw(&ClickId::from(&**click)),
        Applied::Customer(record) => raw(&Customer::from(&**record)),
        Applied::Commissions(added) => {
            let lines: Vec<_> = added.iter().map(CommissionLine::from).collect();
            raw(&lines)
        }
        Applied::Commission(view) => raw(&Commission::from(&**view)),
        _ => raw(&applied.conversion().map(Conversion::from)),
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = rest::ClickId)]
pub(super) struct ClickId {
    /// A UUID.
    id: String,
}

impl From<&ClickView> for ClickId {
    fn from(view: &ClickView) -> Self {
        let id = click_uuid(view.id, view.created_at).to_string();
        Self { id }
    }
}
