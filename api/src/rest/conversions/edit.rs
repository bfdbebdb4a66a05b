//! What the changes of a conversion have in common.

use common::{
    db::keys::ApiKey,
    domain::{Applied, Body, ConversionId, ConversionView, EditConversion, PublicIdKind},
    reads::rest::conversions,
};

use crate::{
    Api, Problem,
    rest::row_id::number_of,
    write::{Call, execute},
};

/// The conversion that a path names, as far as the key may see it.
pub(super) async fn find(api: &Api, key: &ApiKey, id: &str) -> Result<Option<ConversionView>, Problem> {
    let Some(id) = number_of(id, PublicIdKind::Conversion) else {
        return Ok(None);
    };
    let mut conn = api.connection().await?;
    Ok(conversions::find(&mut conn, key.org, key.program, ConversionId(id)).await?)
}

/// Changes the conversion that a path names, and shows what it is then.
pub(super) async fn edit(
    api: &Api,
    call: &Call,
    id: &str,
    change: impl FnOnce(&mut EditConversion),
) -> Result<ConversionView, Problem> {
    let number = number_of(id, PublicIdKind::Conversion).ok_or_else(Problem::not_found)?;
    call.only_what_is_there(find(api, &call.key, id).await?.as_ref())?;
    let mut edit = EditConversion::of(ConversionId(number));
    change(&mut edit);
    let subject = format!("conversion/{number}");
    let done = execute(api, call, &subject, Body::EditConversion(Box::new(edit))).await?;
    match done.applied {
        Applied::Conversion(view) => Ok(*view),
        _ => Err(Problem::not_found()),
    }
}
