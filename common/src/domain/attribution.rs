//! Who earns: the first thing sent that leads to an approved affiliate, in the order of the dialect.
//!
//! What is sent but unknown at one rank falls through to the next; all unknown is a refusal.

use super::{
    Attribution, Dialect, ProgramId, Reason, Refusal,
    catalog::{Affiliation, OrgCatalog, Program},
    entities::Customer,
};

/// One way to find the affiliate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The affiliate who brought the customer.
    Customer,
    Coupon,
    Click,
    ReferralCode,
    /// Asset id and source id together.
    Source,
}

impl Rank {
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer_id",
            Self::Coupon => "coupon",
            Self::Click => "click_id",
            Self::ReferralCode => "referral_code",
            Self::Source => "asset_id",
        }
    }
}

/// The ranks of a dialect's conversions, highest first.
pub fn ranks(dialect: Dialect) -> &'static [Rank] {
    use Rank::{Click, Coupon, Customer, ReferralCode, Source};
    match dialect {
        // seed: Yaplet: the code in the path is the only one.
        Dialect::Yaplet => &[Coupon],
        // seed: Postback 1.7: coupon, click_id, referral_code, asset_id and source_id.
        Dialect::Postback | Dialect::Pixel | Dialect::Native => &[Coupon, Click, ReferralCode, Source],
        // seed: REST 1.6: customer id, coupon, referral code, click id, asset id + source id, tracking id.
        Dialect::Rest => &[Customer, Coupon, ReferralCode, Click, Source],
        Dialect::Affitor | Dialect::Affy => &[Customer, Click],
    }
}

/// Coupons are compared without case and spaces.
pub fn fold_coupon(coupon: &str) -> String {
    coupon
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The affiliation that earns.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub affiliation: &'a Affiliation,
    pub program: &'a Program,
    pub rank: Rank,
}

/// Finds the affiliation for a conversion.
///
/// # Errors
/// [`Reason::PartnerNotApproved`] when something sent leads to an affiliate, but to none who is approved;
/// [`Reason::UnknownPartner`] when it leads nowhere.
pub fn attribute<'a>(
    dialect: Dialect,
    sent: &Attribution,
    scope: Option<ProgramId>,
    customer: Option<&Customer>,
    catalog: &'a OrgCatalog,
) -> Result<Found<'a>, Refusal> {
    let mut unapproved = None;
    for &rank in ranks(dialect) {
        let Some(affiliation) = candidate(rank, sent, scope, customer, catalog) else {
            continue;
        };
        let Some(program) = catalog.program(affiliation.program) else {
            continue;
        };
        if affiliation.approved != Some(true) {
            unapproved = unapproved.or(Some(rank));
            continue;
        }
        let found = Found {
            affiliation,
            program,
            rank,
        };
        return Ok(kept_by_first_affiliate(found, customer, catalog));
    }
    Err(match unapproved {
        Some(rank) => Refusal::new(
            Reason::PartnerNotApproved,
            format!(
                "the affiliate found by {} is not approved in the program",
                rank.name()
            ),
        ),
        None => Refusal::new(Reason::UnknownPartner, unknown_detail(dialect, sent)),
    })
}

fn unknown_detail(dialect: Dialect, sent: &Attribution) -> String {
    let value = |rank: &Rank| match rank {
        Rank::Coupon => sent.coupon.as_deref(),
        Rank::Click => sent.click_id.as_deref(),
        Rank::ReferralCode => sent.referral_code.as_deref(),
        Rank::Source => sent.asset_id.as_deref(),
        Rank::Customer => None,
    };
    let tried = ranks(dialect)
        .iter()
        .filter_map(|rank| Some(format!("{} {:?}", rank.name(), value(rank)?)));
    format!(
        "no affiliate is known by {}",
        tried.collect::<Vec<_>>().join(", ")
    )
}

/// With lifetime commissions the first affiliate keeps the customer, whoever's code brings the customer back.
fn kept_by_first_affiliate<'a>(
    found: Found<'a>,
    customer: Option<&Customer>,
    catalog: &'a OrgCatalog,
) -> Found<'a> {
    let Some(customer) = customer.filter(|_| found.program.recurring) else {
        return found;
    };
    let first = catalog.affiliation(found.program.id, customer.affiliate);
    match first.filter(|one| one.approved == Some(true) && customer.program == found.program.id) {
        Some(affiliation) if affiliation.affiliate != found.affiliation.affiliate => Found {
            affiliation,
            rank: Rank::Customer,
            ..found
        },
        _ => found,
    }
}

fn candidate<'a>(
    rank: Rank,
    sent: &Attribution,
    scope: Option<ProgramId>,
    customer: Option<&Customer>,
    catalog: &'a OrgCatalog,
) -> Option<&'a Affiliation> {
    let found = match rank {
        Rank::Customer => {
            let customer = customer?;
            catalog.affiliation(customer.program, customer.affiliate)
        }
        Rank::Coupon => catalog.by_coupon(&fold_coupon(sent.coupon.as_deref()?)),
        // Clicks are recorded by no dialect yet: every click id is unknown and falls through.
        Rank::Click => None,
        Rank::ReferralCode => catalog.by_referral_code(sent.referral_code.as_deref()?, scope),
        Rank::Source => catalog.by_source(sent.asset_id.as_deref()?, sent.source_id.as_deref()?),
    };
    found.filter(|affiliation| scope.is_none_or(|program| affiliation.program == program))
}
