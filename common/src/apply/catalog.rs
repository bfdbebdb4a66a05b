//! The part of the catalog that a batch needs: the programs of its organisations, and every affiliate to whom its events
//! and rows lead.

use std::{collections::BTreeSet, sync::Arc};

use super::new_event::NewEvent;
use crate::{
    db::{Connection, DbError, affiliations, affiliations::Lookup, programs},
    domain::{AffiliateId, AttributionFields, OrgId, World, catalog::Catalog, fold_coupon},
};

pub(super) async fn load(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let orgs: BTreeSet<OrgId> = new.iter().filter_map(|new| new.event.org).collect();
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

fn leads(new: &[NewEvent<'_>], world: &World, orgs: &BTreeSet<OrgId>) -> Lookup {
    let sent: Vec<(OrgId, &AttributionFields)> = new
        .iter()
        .filter_map(NewEvent::in_org)
        .filter_map(|(org, needs)| Some((org, needs.attribution?)))
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
        .filter_map(|(org, sent)| Some((*org, sent.referral_code.as_deref()?)));
    let links = new.iter().filter_map(NewEvent::in_org);
    let codes = codes.chain(links.filter_map(|(org, needs)| Some((org, needs.link?))));
    let codes: BTreeSet<(OrgId, String)> = codes.map(|(org, code)| (org, code.to_owned())).collect();
    let payees = new.iter().filter_map(NewEvent::in_org);
    let payees =
        payees.flat_map(|(org, needs)| needs.payees.iter().map(move |name| (org, (*name).to_owned())));
    let payees: BTreeSet<(OrgId, String)> = payees.collect();
    Lookup {
        coupons: coupons.into_iter().collect(),
        referral_codes: codes.into_iter().collect(),
        payees: payees.into_iter().collect(),
        sources: sources.into_iter().collect(),
        affiliates: affiliates(new, world, orgs).into_iter().collect(),
    }
}

/// Affiliates of the rows at hand. A click of another organisation is only known to be taken.
fn affiliates(new: &[NewEvent<'_>], world: &World, orgs: &BTreeSet<OrgId>) -> BTreeSet<(OrgId, AffiliateId)> {
    let conversions = world.conversions.values().flat_map(|conversion| {
        let earners = conversion
            .commissions
            .iter()
            .map(|commission| commission.affiliate);
        let all = earners.chain([conversion.affiliate]);
        all.map(|affiliate| (conversion.org, affiliate))
    });
    let customers = world.customers.values();
    let customers = customers.flat_map(|row| row.standings().map(|standing| (row.org, standing.affiliate)));
    let clicks = world.clicks.values().map(|row| (row.org, row.affiliate));
    let bonuses = world.bonuses.values().map(|(org, row)| (*org, row.affiliate));
    let payments = world.payments.values().map(|row| (row.org, row.affiliate));
    let due = new
        .iter()
        .filter_map(NewEvent::in_org)
        .filter_map(|(org, needs)| Some((org, needs.bonus?.affiliate)));
    conversions
        .chain(customers)
        .chain(clicks)
        .chain(bonuses)
        .chain(payments)
        .chain(due)
        .filter(|(org, _)| orgs.contains(org))
        .collect()
}
