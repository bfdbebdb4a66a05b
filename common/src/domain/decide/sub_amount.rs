//! A commission's part of its sale, changed by hand: the sale's amount goes with it (seed: REST 1.6, `conversion_sub_amount`: "the new
//! value for the commission and its conversion"). The other commissions stay as they are, as with a change of the amount itself.

use rust_decimal::Decimal;

use super::change::in_range;
use crate::domain::{
    CommissionId, Event, Refusal,
    entities::{Commission, CommissionKind, Conversion},
    writer::Writer,
};

/// Takes the new part of the commission `id` into the amount of its sale: it is the amount, where the sale has one part, else it
/// changes the amount by as much as it changed itself. `before` is what the part was.
///
/// A level's commission, a repetition and one that was added later are no parts of the sale. An older event than the one that set
/// the amount leaves it alone.
///
/// # Errors
/// [`crate::domain::Reason::AmountOutOfRange`] where the parts exceed what an order may have.
pub(super) fn change_sale(
    event: &Event,
    conversion: &mut Conversion,
    id: CommissionId,
    before: Decimal,
) -> Result<(), Refusal> {
    let parts: Vec<&Commission> = conversion
        .commissions
        .iter()
        .filter(|commission| is_part(commission, conversion))
        .collect();
    let Some(part) = parts.iter().find(|commission| commission.id == id) else {
        return Ok(());
    };
    let writer = Writer::of(event.id);
    if !writer.is_after(conversion.amount_by) {
        return Ok(());
    }
    let after = part.sub_amount;
    let amount = if parts.len() == 1 {
        after
    } else {
        (conversion.amount - before + after).max(Decimal::ZERO)
    };
    conversion.amount = in_range("amount", amount)?;
    conversion.amount_by = Some(writer);
    Ok(())
}

/// What was added later has a later time.
fn is_part(commission: &Commission, conversion: &Conversion) -> bool {
    commission.kind == CommissionKind::Regular && commission.created_at == conversion.created_at
}
