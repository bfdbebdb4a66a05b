//! Rows as callers are shown them: with the names of programs, affiliates and customers.

use crate::domain::{
    ClickSummary, ClickView, CommissionView, ConversionId, ConversionView, CustomerId, CustomerRecord,
    CustomerView, OrgId, World,
    catalog::OrgCatalog,
    entities::{Click, Commission, Conversion, Customer},
};

/// `None` when the catalog lacks the program or an affiliate of the conversion.
pub(super) fn conversion(
    conversion: &Conversion,
    world: &World,
    catalog: &OrgCatalog,
) -> Option<ConversionView> {
    let commissions = conversion
        .commissions
        .iter()
        .map(|earned| commission(earned, Some(conversion.id), catalog));
    let click = conversion.click.and_then(|click| world.clicks.get(&click));
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
        click: click.map(summary),
        affiliate_meta_data: click
            .map(|click| click.meta_data.clone())
            .filter(|data| !data.is_empty()),
        warnings: conversion.warnings.clone(),
    })
}

/// A click as others show it.
pub(super) fn summary(click: &Click) -> ClickSummary {
    ClickSummary {
        created_at: click.created_at,
        referrer: click.referrer.clone(),
        landing_page: click.landing_page.clone(),
    }
}

/// A click with all its names. `None` when the catalog lacks its program or affiliate.
pub(super) fn click(click: &Click, session: Option<&str>, catalog: &OrgCatalog) -> Option<ClickView> {
    let program = catalog.program(click.program)?;
    Some(ClickView {
        id: click.id,
        name: click.name.clone(),
        session: session.map(ToOwned::to_owned),
        created_at: click.created_at,
        referral_code: click.referral_code.clone(),
        cookie_time: program.terms_at(click.clicked_at).cookie_time,
        program: program.view(),
        affiliate: catalog.affiliate(click.affiliate)?.view(),
    })
}

/// A customer as a resource of its own. `None` when the catalog lacks its program or affiliate.
pub(super) fn customer_record(
    customer: &Customer,
    world: &World,
    catalog: &OrgCatalog,
) -> Option<CustomerRecord> {
    let click = customer.own.click.and_then(|click| world.clicks.get(&click));
    Some(CustomerRecord {
        id: customer.id,
        customer_id: customer.external_id.clone(),
        status: customer.status.clone(),
        created_at: customer.created_at,
        click: click.map(summary),
        program: catalog.program(customer.own.program)?.view(),
        affiliate: catalog.affiliate(customer.own.affiliate)?.view(),
        affiliate_meta_data: click
            .map(|click| click.meta_data.clone())
            .filter(|data| !data.is_empty()),
        meta_data: customer.meta_data.clone(),
        warnings: Vec::new(),
    })
}

/// A commission with its names. `None` when the catalog lacks its affiliate.
pub(super) fn commission(
    commission: &Commission,
    conversion: Option<ConversionId>,
    catalog: &OrgCatalog,
) -> Option<CommissionView> {
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
        conversion,
        payment: commission.payment,
        finalised_at: commission.finalised_at,
    })
}

fn customer(org: OrgId, id: CustomerId, world: &World) -> Option<CustomerView> {
    let found = world.customer(org, id)?;
    Some(CustomerView {
        id,
        external_id: found.external_id.clone(),
        status: found.status.clone(),
    })
}
