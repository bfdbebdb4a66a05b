//! Changes of conversions by their number: amount, names, deletion.

use super::{
    Context, Effects, Stop,
    change::{
        by_number, change_meta_data, in_range, note_outdated, outdated_by, post_change, recalculate, removed,
        set_meta_data,
    },
    conversion::duplicate_order,
    view,
    void::void_conversion,
};
use crate::domain::{
    Applied, ConversionId, EditConversion, Refusal, World, commission::said, entities::Conversion,
    trace::Outdated, writer::Writer,
};

pub(super) fn edit_conversion(
    context: &Context<'_>,
    edit: &EditConversion,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let writer = Writer::of(context.event.id);
    let mut conversion = by_number(context, edit.conversion, world)?;
    if edit.delete {
        return delete_conversion(context, conversion, world, effects);
    }
    if let Some(name) = &edit.external_id {
        refuse_taken(context, conversion.id, name, world)?;
        conversion.external_id = Some(name.clone());
    }
    let outdated = outdated(writer, &conversion, edit);
    if let Some(amount) = edit.amount.filter(|_| writer.is_after(conversion.amount_by)) {
        let amount = said("amount", amount, conversion.currency)?;
        conversion.amount = in_range("amount", amount)?;
        if edit.recalculate {
            recalculate(&mut conversion)?;
        }
        conversion.amount_by = Some(writer);
    }
    set_meta_data(writer, &mut conversion, edit.meta_data.as_ref());
    if let Some(change) = &edit.meta_change {
        change_meta_data(&mut conversion.meta_data, change)?;
        conversion.meta_by = conversion.meta_by.max(Some(writer));
    }
    let told = note_outdated(&mut conversion, outdated);
    let mut view = post_change(context, &mut conversion, world, effects)?;
    view.warnings.extend(told);
    world.add_conversion(conversion);
    Ok(Applied::Conversion(Box::new(view)))
}

/// Which fields of an edit a later change has set before.
fn outdated(writer: Writer, conversion: &Conversion, edit: &EditConversion) -> Vec<Outdated> {
    [
        ("amount", edit.amount.is_some(), conversion.amount_by),
        ("meta_data", edit.meta_data.is_some(), conversion.meta_by),
    ]
    .into_iter()
    .filter_map(|(field, is_sent, by)| is_sent.then(|| outdated_by(writer, field, by)).flatten())
    .collect()
}

fn refuse_taken(context: &Context<'_>, id: ConversionId, name: &str, world: &World) -> Result<(), Refusal> {
    match world.conversion_of(context.org, name) {
        Some(holder) if holder.id != id => Err(duplicate_order(name)),
        Some(_) | None => Ok(()),
    }
}

fn delete_conversion(
    context: &Context<'_>,
    mut conversion: Conversion,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    // What could not be answered is left alone.
    view::conversion(&conversion, world, context.catalog).ok_or_else(removed)?;
    void_conversion(context, &mut conversion, world, effects);
    let view = view::conversion(&conversion, world, context.catalog).ok_or_else(removed)?;
    world.add_conversion(conversion);
    Ok(Applied::Conversion(Box::new(view)))
}
