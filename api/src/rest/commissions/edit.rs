//! What the changes of a commission have in common.

use common::{
    domain::{Applied, Body, CommissionId, CommissionView, EditCommission, PublicIdKind},
    reads::rest::commissions,
};

use crate::{
    Api, Problem,
    rest::row_id::number_of,
    write::{Call, execute},
};

/// Changes the commission that a path names, and shows what it is then.
pub(super) async fn edit(
    api: &Api,
    call: &Call,
    id: &str,
    change: impl FnOnce(&mut EditCommission),
) -> Result<CommissionView, Problem> {
    let id = number_of(id, PublicIdKind::Commission).map(CommissionId);
    let id = id.ok_or_else(Problem::not_found)?;
    let mut conn = api.connection().await?;
    let found = commissions::find(&mut conn, call.key.org, call.key.program, id).await?;
    drop(conn);
    call.only_what_is_there(found.as_ref())?;
    let mut edit = EditCommission::of(id);
    change(&mut edit);
    let done = execute(api, call, &format!("commission/{id}"), Body::EditCommission(edit)).await?;
    match done.applied {
        Applied::Commission(view) => Ok(*view),
        _ => Err(Problem::not_found()),
    }
}
