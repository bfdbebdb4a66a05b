//! Who earns: the first thing sent that leads to an approved affiliate, in the order of the dialect.
//!
//! What is sent but unknown at one rank falls through to the next; all unknown is a refusal.

use chrono::{DateTime, Utc};

use super::{
    Attribution, ClickId, Dialect, OrgId, ProgramId, Reason, Refusal, World,
    catalog::{Affiliation, OrgCatalog, Program},
    entities::{Click, Customer},
    trace::{Candidate, Trace, Verdict},
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
    /// A click, by the id of the page's script.
    Tracking,
    /// The latest click of a session.
    Session,
}

impl Rank {
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer_id",
            Self::Coupon => "coupon",
            Self::Click => "click_id",
            Self::ReferralCode => "referral_code",
            Self::Source => "asset_id",
            Self::Tracking => "tracking_id",
            Self::Session => "session",
        }
    }
}

/// The ranks of a dialect's conversions, highest first.
pub fn ranks(dialect: Dialect) -> &'static [Rank] {
    use Rank::{Click, Coupon, Customer, ReferralCode, Session, Source, Tracking};
    match dialect {
        // seed: Yaplet: the code in the path is the only one.
        Dialect::Yaplet => &[Coupon],
        // seed: Postback 1.7: coupon, click_id, referral_code, asset_id and source_id.
        Dialect::Postback | Dialect::Pixel | Dialect::Native | Dialect::Internal => {
            &[Coupon, Click, ReferralCode, Source]
        }
        // seed: REST 1.6: customer id, coupon, referral code, click id, asset id + source id, tracking id.
        Dialect::Rest => &[Customer, Coupon, ReferralCode, Click, Source, Tracking],
        Dialect::Affitor => &[Customer, Click],
        Dialect::Affy => &[Click, Session],
    }
}

/// The ranks of a dialect's customers: as for conversions, but for the customer itself (seed: REST 1.6).
pub fn customer_ranks(dialect: Dialect) -> &'static [Rank] {
    match ranks(dialect) {
        [Rank::Customer, others @ ..] => others,
        all => all,
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

/// What an affiliate is looked for by.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    pub org: OrgId,
    pub dialect: Dialect,
    pub ranks: &'static [Rank],
    pub sent: &'a Attribution,
    /// The only program that the key sees.
    pub scope: Option<ProgramId>,
    /// The customer of the event, where it is known already.
    pub customer: Option<&'a Customer>,
    /// The event's time, to which the age of a click is measured.
    pub at: DateTime<Utc>,
    /// A click counts whatever its age.
    pub any_age: bool,
    /// Whether a secret vouches for the event.
    pub trusted: bool,
}

/// The affiliation that earns.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub affiliation: &'a Affiliation,
    pub program: &'a Program,
    pub rank: Rank,
    /// The click that led there.
    pub click: Option<ClickId>,
    /// Whether a secret vouches for all that this rests on. A click needs none where a keyed lead or sale names it.
    pub trusted: bool,
}

/// Finds the affiliation that earns, and tells how.
///
/// # Errors
/// [`Reason::AffiliateNotApproved`] when something sent leads to an affiliate, but to none who is approved;
/// [`Reason::WindowExpired`] when only clicks that are too old do; the dialect's word for an unknown partner otherwise.
pub fn attribute<'a>(
    sought: &Sought<'_>,
    world: &World,
    catalog: &'a OrgCatalog,
) -> Result<(Found<'a>, Trace), Refusal> {
    let mut trace = Trace::default();
    let mut unsigned = None;
    for &rank in sought.ranks {
        let Some(sent) = value(rank, sought) else { continue };
        let (mut candidate, found) = judge(rank, sent, sought, world, catalog);
        let Some(found) = found else {
            trace.candidates.push(candidate);
            continue;
        };
        if sought.trusted && !found.trusted {
            // A binding that no secret vouches for blocks nothing that a signed event sends beside it.
            candidate.verdict = Verdict::Unknown;
            unsigned = Some((trace.candidates.len(), found));
            trace.candidates.push(candidate);
            continue;
        }
        trace.candidates.push(candidate);
        let mut kept = kept_by_first_affiliate(found, sought, world, catalog);
        kept.click = kept.click.or_else(|| click_beside(&kept, sought, world));
        if kept.affiliation.affiliate != found.affiliation.affiliate {
            trace.kept_by = catalog
                .affiliate(kept.affiliation.affiliate)
                .map(|affiliate| affiliate.slug.clone());
        }
        return Ok((kept, trace));
    }
    if is_kept_for_life(sought, catalog) {
        let sent = value(Rank::Customer, sought).unwrap_or_default();
        let (candidate, found) = judge(Rank::Customer, sent, sought, world, catalog);
        trace.candidates.push(candidate);
        if let Some(found) = found {
            return Ok((found, trace));
        }
    }
    let Some((candidate, found)) = unsigned else {
        return Err(refusal(sought, trace));
    };
    if let Some(candidate) = trace.candidates.get_mut(candidate) {
        candidate.verdict = Verdict::Chosen;
    }
    Ok((found, trace))
}

/// A renewal that tells the customer and, as storefronts do, the click or code of the first sale, which may have aged or
/// gone by now: in a program where the first affiliate keeps the customer that affiliate earns.
fn is_kept_for_life(sought: &Sought<'_>, catalog: &OrgCatalog) -> bool {
    let is_renewal = matches!(
        sought.dialect,
        Dialect::Postback | Dialect::Native | Dialect::Pixel
    );
    let keeps = |customer: &Customer| {
        let program = catalog.program(customer.program);
        (customer.trusted || !sought.trusted) && program.is_some_and(|program| program.recurring)
    };
    is_renewal && !sought.ranks.contains(&Rank::Customer) && sought.customer.is_some_and(keeps)
}

/// A click that was sent beside what led to its affiliate: kept for reports (seed: REST 1.6, click id).
fn click_beside(found: &Found<'_>, sought: &Sought<'_>, world: &World) -> Option<ClickId> {
    let mut clicks = [Rank::Click, Rank::Tracking, Rank::Session]
        .into_iter()
        .filter_map(|rank| click(rank, sought, world));
    clicks.find_map(|click| led_to(click, found.affiliation))
}

/// What was sent at a rank.
fn value(rank: Rank, sought: &Sought<'_>) -> Option<String> {
    let sent = sought.sent;
    match rank {
        Rank::Customer => sought.customer.map(|customer| customer.identity.key()),
        Rank::Coupon => sent.coupon.clone(),
        Rank::Click => sent.click_id.clone(),
        Rank::ReferralCode => sent.referral_code.clone(),
        Rank::Source => Some(format!(
            "{} {}",
            sent.asset_id.as_ref()?,
            sent.source_id.as_ref()?
        )),
        Rank::Tracking => sent.tracking_id.clone(),
        Rank::Session => sent.session.clone(),
    }
}

fn judge<'a>(
    rank: Rank,
    sent: String,
    sought: &Sought<'_>,
    world: &World,
    catalog: &'a OrgCatalog,
) -> (Candidate, Option<Found<'a>>) {
    let click = click(rank, sought, world);
    let mut candidate = Candidate {
        rank: rank.name().to_owned(),
        sent,
        verdict: Verdict::Unknown,
        affiliate: None,
        click_age_days: None,
        window_days: None,
    };
    let Some(affiliation) = affiliation(rank, click, sought, catalog) else {
        return (candidate, None);
    };
    let Some(program) = catalog.program(affiliation.program) else {
        return (candidate, None);
    };
    // A provisional lead binds nobody: its customer is as good as unknown until a lead with a secret comes.
    if rank == Rank::Customer && sought.customer.is_some_and(|one| is_provisional(one, program)) {
        return (candidate, None);
    }
    candidate.affiliate = catalog
        .affiliate(affiliation.affiliate)
        .map(|affiliate| affiliate.slug.clone());
    if let Some(click) = click {
        candidate.click_age_days = Some((sought.at - click.clicked_at).num_days());
        candidate.window_days = Some(program.cookie_time);
    }
    candidate.verdict = if sought.scope.is_some_and(|scope| scope != affiliation.program) {
        Verdict::OtherProgram
    } else if affiliation.approved != Some(true) {
        Verdict::NotApproved
    } else if click.is_some_and(|click| is_too_old(rank, click, program, sought)) {
        Verdict::Expired
    } else {
        Verdict::Chosen
    };
    let found = (candidate.verdict == Verdict::Chosen).then_some(Found {
        affiliation,
        program,
        rank,
        click: click.and_then(|click| led_to(click, affiliation)),
        trusted: sought.trusted
            && (rank != Rank::Customer || sought.customer.is_some_and(|customer| customer.trusted)),
    });
    (candidate, found)
}

/// The click's id, unless it leads elsewhere: a later click may have taken it over since the customer was bound.
fn led_to(click: &Click, affiliation: &Affiliation) -> Option<ClickId> {
    let leads = (click.program, click.affiliate) == (affiliation.program, affiliation.affiliate);
    leads.then_some(click.id)
}

/// The click that a rank names, or the one by which the customer came where that has an age of its own.
fn click<'w>(rank: Rank, sought: &Sought<'_>, world: &'w World) -> Option<&'w Click> {
    match rank {
        Rank::Click => world.click(sought.org, sought.sent.click_id.as_deref()?),
        Rank::Tracking => world.click(sought.org, sought.sent.tracking_id.as_deref()?),
        Rank::Session => world.session(sought.org, sought.sent.session.as_deref()?),
        Rank::Customer => world.clicks.get(&sought.customer?.click?),
        Rank::Coupon | Rank::ReferralCode | Rank::Source => None,
    }
}

/// Older than the program's days. A customer's own click ages only in dialects whose window closes on customers
/// (seed: Affitor, attribution window), and not where the first affiliate keeps the customer.
fn is_too_old(rank: Rank, click: &Click, program: &Program, sought: &Sought<'_>) -> bool {
    let ages = rank != Rank::Customer
        || (matches!(sought.dialect, Dialect::Affitor | Dialect::Affy) && !program.recurring);
    ages && !sought.any_age
        && sought.at - click.clicked_at > chrono::TimeDelta::days(i64::from(program.cookie_time))
}

fn affiliation<'a>(
    rank: Rank,
    click: Option<&Click>,
    sought: &Sought<'_>,
    catalog: &'a OrgCatalog,
) -> Option<&'a Affiliation> {
    let sent = sought.sent;
    match rank {
        Rank::Customer => {
            let customer = sought.customer?;
            catalog.affiliation(customer.program, customer.affiliate)
        }
        Rank::Coupon => catalog.by_coupon(&fold_coupon(sent.coupon.as_deref()?)),
        Rank::Click | Rank::Tracking | Rank::Session => {
            let click = click?;
            catalog.affiliation(click.program, click.affiliate)
        }
        Rank::ReferralCode => catalog.by_referral_code(sent.referral_code.as_deref()?, sought.scope),
        Rank::Source => catalog.by_source(sent.asset_id.as_deref()?, sent.source_id.as_deref()?),
    }
}

/// With lifetime commissions the first affiliate keeps the customer, whoever's code brings the customer back. What no
/// secret vouches for does not keep a customer from what one does.
fn kept_by_first_affiliate<'a>(
    found: Found<'a>,
    sought: &Sought<'_>,
    world: &World,
    catalog: &'a OrgCatalog,
) -> Found<'a> {
    let binds = |customer: &&Customer| {
        found.program.recurring
            && customer.program == found.program.id
            && (customer.trusted || !sought.trusted)
            && !is_provisional(customer, found.program)
    };
    let Some(customer) = sought.customer.filter(binds) else {
        return found;
    };
    let first = catalog.affiliation(found.program.id, customer.affiliate);
    match first.filter(|one| one.approved == Some(true)) {
        Some(affiliation) if affiliation.affiliate != found.affiliation.affiliate => {
            let click = customer.click.and_then(|click| world.clicks.get(&click));
            Found {
                affiliation,
                rank: Rank::Customer,
                click: click.and_then(|click| led_to(click, affiliation)),
                trusted: found.trusted && customer.trusted,
                ..found
            }
        }
        _ => found,
    }
}

/// No secret has vouched for the customer in a program that wants one (seed: Affitor, server-side lead tracking).
fn is_provisional(customer: &Customer, program: &Program) -> bool {
    program.keyed_leads_only && !customer.trusted
}

fn refusal(sought: &Sought<'_>, trace: Trace) -> Refusal {
    let with = |verdict| trace.candidates.iter().find(move |one| one.verdict == verdict);
    let is_tracking = matches!(sought.dialect, Dialect::Affitor | Dialect::Affy);
    let (reason, detail) = if let Some(one) = with(Verdict::NotApproved) {
        let detail = format!(
            "the affiliate found by {} is not approved in the program",
            one.rank
        );
        (Reason::AffiliateNotApproved, detail)
    } else if let Some(one) = with(Verdict::Expired) {
        let (age, window) = (
            one.click_age_days.unwrap_or_default(),
            one.window_days.unwrap_or_default(),
        );
        let detail = format!(
            "the click found by {} is {age} days old; the program lets {window} days count",
            one.rank
        );
        (Reason::WindowExpired, detail)
    } else if is_tracking && with(Verdict::OtherProgram).is_some() {
        let detail = "the customer belongs to a program that the key does not see";
        (Reason::CustomerElsewhere, detail.to_owned())
    } else {
        let tried = trace
            .candidates
            .iter()
            .map(|one| format!("{} {:?}", one.rank, one.sent));
        let tried = tried.collect::<Vec<_>>().join(", ");
        match sought.dialect {
            Dialect::Affitor => (
                Reason::UnknownCustomer,
                "no customer is known by what was sent".to_owned(),
            ),
            Dialect::Affy => (Reason::UnknownClick, format!("no click is known by {tried}")),
            _ => (Reason::NotAttributed, format!("no affiliate is known by {tried}")),
        }
    };
    Refusal {
        trace: Some(Box::new(trace)),
        ..Refusal::new(reason, detail)
    }
}
