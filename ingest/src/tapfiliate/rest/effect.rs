//! What a call did, as REST 1.6 prints it.

use common::{
    domain::{Applied, click_name::click_uuid},
    tapfiliate_json::{Commission, CommissionLine, Conversion, Customer},
};
use serde_json::{json, value::RawValue};

use crate::tapfiliate::answer::raw;

/// The row as it is now; of a click its id alone.
pub(super) fn effect(applied: &Applied) -> Box<RawValue> {
    match applied {
        Applied::Click(click) => raw(&json!({"id": click_uuid(click.id, click.created_at)})),
        Applied::Customer(record) => raw(&Customer::from(&**record)),
        Applied::Commissions(added) => {
            let lines: Vec<_> = added.iter().map(CommissionLine::from).collect();
            raw(&lines)
        }
        Applied::Commission(view) => raw(&Commission::from(&**view)),
        _ => raw(&applied.conversion().map(Conversion::from)),
    }
}
