//! The part of the catalog that a batch needs: the programs of its organisations, and every affiliate to whom its events
//! and rows lead.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    db::{Connection, DbError, affiliations, affiliations::Lookup, programs},
    domain::{
        AffiliateId, AttributionFields, Body, Event, OrgId, Scheduled, World, catalog::Catalog, fold_coupon,
    },
};

pub(super) async fn load(
    connection: &mut Connection,
    new: &[&Event],
    world: &mut World,
) -> Result<(), DbError> {
    let orgs: BTreeSet<OrgId> = new.iter().map(|event| event.org).collect();
    let leads = leads(new, world, &orgs);
    let mut catalogs = Catalog::new();
    programs::load_into(connection, &orgs.into_iter().collect::<Vec<_>>(), &mut catalogs).await?;
    affiliations::load_into(connection, &leads, &mut catalogs).await?;
    let shared = catalogs
        .into_iter()
        .map(|(org, catalog)| (org, Arc::new(catalog)));
    world.catalogs = shared.collect();
    Ok(())
}

fn leads(new: &[&Event], world: &World, orgs: &BTreeSet<OrgId>) -> Lookup {
    let sent: Vec<(OrgId, &AttributionFields)> = new
        .iter()
        .filter_map(|event| Some((event.org, event.attribution()?)))
        .collect();
    let coupons: BTreeSet<(OrgId, String)> = sent
        .iter()
        .filter_map(|(org, sent)| Some((*org, fold_coupon(sent.coupon.as_deref()?))))
        .collect();
    let sources: BTreeSet<(OrgId, String, String)> = sent
        .iter()
        .filter_map(|(org, sent)| Some((*org, sent.asset_id.clone()?, sent.source_id.clone()?)))
        .collect();
    let codes = sent
        .iter()
        .filter_map(|(org, sent)| Some((*org, sent.referral_code.clone()?)));
    let codes: BTreeSet<(OrgId, String)> = codes.chain(codes_and_slugs(new)).collect();
    Lookup {
        coupons: coupons.into_iter().collect(),
        referral_codes: codes.into_iter().collect(),
        sources: sources.into_iter().collect(),
        affiliates: affiliates(new, world, orgs).into_iter().collect(),
    }
}

/// The codes of clicks, and the payees of payments.
fn codes_and_slugs(new: &[&Event]) -> Vec<(OrgId, String)> {
    let of = |event: &&Event| match &event.body {
        Body::Click(click) => vec![(event.org, click.referral_code.clone())],
        Body::Pay(pay) => {
            let payees = pay.payments.iter();
            payees.map(|one| (event.org, one.affiliate.clone())).collect()
        }
        _ => Vec::new(),
    };
    new.iter().flat_map(of).collect()
}

/// Affiliates of the rows at hand. A click of another organisation is only known to be taken.
fn affiliates(new: &[&Event], world: &World, orgs: &BTreeSet<OrgId>) -> BTreeSet<(OrgId, AffiliateId)> {
    let conversions = world.conversions.values().flat_map(|one| {
        let earners = one.commissions.iter().map(|commission| commission.affiliate);
        earners
            .chain([one.affiliate])
            .map(|affiliate| (one.org, affiliate))
    });
    let customers = world.customers.values().map(|one| (one.org, one.affiliate));
    let clicks = world.clicks.values().map(|one| (one.org, one.affiliate));
    let bonuses = world.bonuses.values().map(|(org, one)| (*org, one.affiliate));
    let payments = world.payments.values().map(|one| (one.org, one.affiliate));
    let due = new.iter().filter_map(|event| match &event.body {
        Body::Scheduled(Scheduled::Bonus { affiliate, .. }) => Some((event.org, *affiliate)),
        _ => None,
    });
    conversions
        .chain(customers)
        .chain(clicks)
        .chain(bonuses)
        .chain(payments)
        .chain(due)
        .filter(|(org, _)| orgs.contains(org))
        .collect()
}
