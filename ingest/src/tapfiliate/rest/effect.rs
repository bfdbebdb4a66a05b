//! What a call did, as REST 1.6 prints it.

use common::{
    domain::Applied,
    tapfiliate_json::{Commission, CommissionLine, Conversion, Customer},
};
use serde_json::value::RawValue;

use super::create_click::ClickId;
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
