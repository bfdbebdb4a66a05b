//! The part of the catalog that a batch needs: the programs of its organisations, and every affiliate to whom its events
//! and rows lead. What was loaded for one batch is kept for the next, as long as the organisation's catalog does not change.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::new_event::NewEvent;
use crate::{
    db::{Connection, DbError, affiliations, affiliations::Lookup, catalog_versions, programs},
    domain::{
        AffiliateId, AttributionFields, OrgId, World,
        catalog::{Catalog, OrgCatalog},
        fold_coupon,
    },
};

/// Organisations of which something is kept. With one more, all is loaded again.
pub(super) const MAX_ORGS: usize = 1000;
/// What was looked up in an organisation's catalog and is kept, found or not. With more, all of it is loaded again.
pub(super) const MAX_KNOWN: usize = 20_000;

/// What was loaded of catalogs, for whoever applies batch after batch.
#[derive(Debug, Default)]
pub struct Catalogs {
    orgs: HashMap<OrgId, Kept>,
}

/// What is known of an organisation's catalog.
#[derive(Debug, Default)]
struct Kept {
    /// What it was before this was loaded: it may be newer than that, and never older.
    version: i64,
    catalog: Arc<OrgCatalog>,
    /// Whatever was looked up, also without success.
    known: Known,
}

#[derive(Debug, Default)]
struct Known {
    coupons: HashSet<String>,
    codes: HashSet<String>,
    payees: HashSet<String>,
    sources: HashSet<(String, String)>,
    affiliates: HashSet<AffiliateId>,
}

impl Known {
    fn count(&self) -> usize {
        self.coupons.len() + self.codes.len() + self.payees.len() + self.sources.len() + self.affiliates.len()
    }
}

impl Catalogs {
    /// Gives `world` the catalogs of its organisations, with all to whom events and rows lead.
    pub(super) async fn load(
        &mut self,
        connection: &mut Connection,
        new: &[NewEvent<'_>],
        world: &mut World,
    ) -> Result<(), DbError> {
        let orgs: BTreeSet<OrgId> = new.iter().filter_map(|new| new.event.org).collect();
        let leads = leads(new, world, &orgs);
        self.load_programs(connection, &orgs.iter().copied().collect::<Vec<_>>())
            .await?;
        self.load_affiliates(connection, leads).await?;
        let shared = orgs
            .iter()
            .filter_map(|org| Some((*org, Arc::clone(&self.orgs.get(org)?.catalog))));
        world.catalogs = shared.collect();
        Ok(())
    }

    /// Forgets what does not hold any more, and loads the programs of those of whom nothing is kept.
    async fn load_programs(&mut self, connection: &mut Connection, orgs: &[OrgId]) -> Result<(), DbError> {
        let versions = catalog_versions::of(connection, orgs).await?;
        let version = |org: &OrgId| versions.get(org).copied().unwrap_or_default();
        let mut missing = Vec::new();
        for org in orgs {
            let holds = |kept: &Kept| kept.version == version(org) && kept.known.count() < MAX_KNOWN;
            if !self.orgs.get(org).is_some_and(holds) {
                missing.push(*org);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let mut loaded = Catalog::new();
        programs::load_into(connection, &missing, &mut loaded).await?;
        if self.orgs.len() + missing.len() > MAX_ORGS {
            self.orgs.retain(|org, _| orgs.contains(org));
        }
        for org in missing {
            let kept = Kept {
                version: version(&org),
                catalog: Arc::new(loaded.remove(&org).unwrap_or_default()),
                known: Known::default(),
            };
            self.orgs.insert(org, kept);
        }
        Ok(())
    }

    async fn load_affiliates(
        &mut self,
        connection: &mut Connection,
        mut leads: Lookup,
    ) -> Result<(), DbError> {
        let orgs = &mut self.orgs;
        leads
            .coupons
            .retain(|(org, coupon)| is_new(orgs, *org, |known| known.coupons.insert(coupon.clone())));
        leads
            .referral_codes
            .retain(|(org, code)| is_new(orgs, *org, |known| known.codes.insert(code.clone())));
        leads
            .payees
            .retain(|(org, payee)| is_new(orgs, *org, |known| known.payees.insert(payee.clone())));
        leads.sources.retain(|(org, asset, source)| {
            is_new(orgs, *org, |known| {
                known.sources.insert((asset.clone(), source.clone()))
            })
        });
        leads
            .affiliates
            .retain(|(org, id)| is_new(orgs, *org, |known| known.affiliates.insert(*id)));
        if leads.is_empty() {
            return Ok(());
        }
        let mut loaded = HashMap::new();
        for (org, kept) in orgs.iter_mut() {
            loaded.insert(*org, Arc::unwrap_or_clone(std::mem::take(&mut kept.catalog)));
        }
        affiliations::load_into(connection, &leads, &mut loaded).await?;
        for (org, catalog) in loaded {
            if let Some(kept) = orgs.get_mut(&org) {
                kept.catalog = Arc::new(catalog);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl Catalogs {
    /// What is kept of all organisations.
    pub(super) fn known(&self) -> usize {
        self.orgs.values().map(|kept| kept.known.count()).sum()
    }
}

/// Whether it was not known in the organisation. Now it will be.
fn is_new(orgs: &mut HashMap<OrgId, Kept>, org: OrgId, note: impl FnOnce(&mut Known) -> bool) -> bool {
    orgs.get_mut(&org).is_some_and(|kept| note(&mut kept.known))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Pool;

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn more_organisations_than_are_kept_are_loaded_anew(pool: Pool) {
        let mut connection = pool.acquire().await.unwrap();
        let mut kept = Catalogs::default();
        let orgs = |from: i64, to: i64| (from..to).map(OrgId).collect::<Vec<_>>();
        let most = i64::try_from(MAX_ORGS).unwrap();
        kept.load_programs(&mut connection, &orgs(0, most)).await.unwrap();
        assert_eq!(kept.orgs.len(), MAX_ORGS);
        kept.load_programs(&mut connection, &orgs(most, most + 1))
            .await
            .unwrap();
        assert_eq!(kept.orgs.len(), 1);
    }
}
