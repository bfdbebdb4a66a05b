//! What the changes of a customer have in common.

use common::{
    db::keys::ApiKey,
    domain::{
        Applied, Body, CustomerId, CustomerRecord, CustomerTarget, PublicId, PublicIdKind, UpdateCustomer,
    },
    reads::rest::customers,
};

use crate::{
    Api, Problem,
    write::{Call, execute},
};

/// The customer that a path names, as far as the key may see it.
pub(super) async fn find(api: &Api, key: &ApiKey, id: &str) -> Result<Option<CustomerRecord>, Problem> {
    let Some(id) = number_of(id) else {
        return Ok(None);
    };
    let mut conn = api.connection().await?;
    Ok(customers::find(&mut conn, key.org, key.program, id).await?)
}

/// Changes the customer that a path names, and shows what it is then.
pub(super) async fn edit(
    api: &Api,
    call: &Call,
    id: &str,
    change: impl FnOnce(&mut UpdateCustomer),
) -> Result<CustomerRecord, Problem> {
    let number = number_of(id).ok_or_else(Problem::not_found)?;
    call.only_what_is_there(find(api, &call.key, id).await?.as_ref())?;
    let mut update = UpdateCustomer::of(CustomerTarget::Number(number));
    change(&mut update);
    let done = execute(api, call, &format!("customer/{id}"), Body::UpdateCustomer(update)).await?;
    match done.applied {
        Applied::Customer(record) => Ok(*record),
        _ => Err(Problem::not_found()),
    }
}

fn number_of(id: &str) -> Option<CustomerId> {
    PublicId::parse(PublicIdKind::Customer, id).map(|id| CustomerId(id.number))
}
