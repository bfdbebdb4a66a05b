//! A conversion with all its names, as it is answered.

use crate::domain::{
    CommissionView, ConversionView, CustomerId, CustomerView, OrgId, World,
    catalog::OrgCatalog,
    entities::{Commission, Conversion},
};

/// `None` when the catalog lacks the program or an affiliate of the conversion.
pub(super) fn conversion(conversion: &Conversion, world: &World) -> Option<ConversionView> {
    with_catalog(conversion, world, world.catalog.get(&conversion.org)?)
}

pub(super) fn with_catalog(
    conversion: &Conversion,
    world: &World,
    catalog: &OrgCatalog,
) -> Option<ConversionView> {
    let commissions = conversion.commissions.iter().map(|one| commission(one, catalog));
    Some(ConversionView {
        id: conversion.id,
        external_id: conversion.external_id.clone(),
        amount: conversion.amount,
        currency: conversion.currency,
        created_at: conversion.created_at,
        program: catalog.program(conversion.program)?.view(),
        affiliate: catalog.affiliate(conversion.affiliate)?.view(),
        customer: conversion
            .customer
            .and_then(|id| customer(conversion.org, id, world)),
        meta_data: conversion.meta_data.clone(),
        commissions: commissions.collect::<Option<_>>()?,
    })
}

fn commission(commission: &Commission, catalog: &OrgCatalog) -> Option<CommissionView> {
    Some(CommissionView {
        id: commission.id,
        kind: commission.kind.name().to_owned(),
        affiliate: catalog.affiliate(commission.affiliate)?.view(),
        commission_type: commission.commission_type.clone(),
        commission_name: commission.commission_name.clone(),
        sub_amount: commission.sub_amount,
        amount: commission.amount,
        currency: commission.currency,
        approved: commission.approved,
        comment: commission.comment.clone(),
        created_at: commission.created_at,
    })
}

fn customer(org: OrgId, id: CustomerId, world: &World) -> Option<CustomerView> {
    let found = world
        .customers
        .values()
        .find(|customer| customer.org == org && customer.id == id)?;
    Some(CustomerView {
        id,
        external_id: found.external_id.clone(),
        status: found.status.clone(),
    })
}
