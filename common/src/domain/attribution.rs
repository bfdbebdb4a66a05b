//! Who earns: the first thing sent that leads to an approved affiliate, in the order of the dialect.
//!
//! What is sent but leads to nobody falls through to the next method; when none leads to anybody it is a refusal.

use chrono::{DateTime, TimeDelta, Utc};
use strum::{EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::{
    AttributionFields, ClickId, Dialect, OrgId, ProgramId, Reason, Refusal, World,
    catalog::{Affiliation, OrgCatalog, Program},
    entities::{Click, Customer, Standing},
    names::named,
    spelling::fold_coupon,
    trace::{Candidate, Trace, Verdict},
};

/// How much later than the sale a visitor's first click may be, as the clocks of shops and pages differ. One that is later brought
/// nobody to the sale, whatever its window.
pub const MAX_CLICK_AFTER_SALE: TimeDelta = TimeDelta::hours(1);

/// One way to find the affiliate, named by the field that is sent for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr, VariantNames, ToSchema)]
#[schema(as = explain::AttributionMethod, rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AttributionMethod {
    /// The affiliate who brought the customer.
    #[strum(serialize = "customer_id")]
    #[schema(rename = "customer_id")]
    Customer,
    Coupon,
    #[strum(serialize = "click_id")]
    #[schema(rename = "click_id")]
    Click,
    ReferralCode,
    /// Asset id and source id together.
    #[strum(serialize = "asset_id")]
    #[schema(rename = "asset_id")]
    Source,
    /// A click, by the id of the page's script.
    #[strum(serialize = "tracking_id")]
    #[schema(rename = "tracking_id")]
    Tracking,
    /// The latest click of a session.
    Session,
}

named! { AttributionMethod }

/// The methods of a dialect's conversions, in the order in which they are tried.
pub fn methods(dialect: Dialect) -> &'static [AttributionMethod] {
    use AttributionMethod::{Click, Coupon, Customer, ReferralCode, Session, Source, Tracking};
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

/// The methods of a dialect's customers: as for conversions, but for the customer itself (seed: REST 1.6).
pub fn customer_methods(dialect: Dialect) -> &'static [AttributionMethod] {
    match methods(dialect) {
        [AttributionMethod::Customer, others @ ..] => others,
        all => all,
    }
}

/// What an affiliate is looked for by.
#[derive(Clone, Copy, Debug)]
pub struct AttributionQuery<'a> {
    pub org: OrgId,
    pub dialect: Dialect,
    pub methods: &'static [AttributionMethod],
    pub sent: &'a AttributionFields,
    /// The only program that the key sees.
    pub scope: Option<ProgramId>,
    /// The customer of the event, where it is known already.
    pub customer: Option<&'a Customer>,
    /// What the event calls its customer, known or not.
    pub customer_name: Option<&'a str>,
    /// The event's time, to which the age of a click is measured.
    pub at: DateTime<Utc>,
    /// A click counts whatever its age.
    pub any_age: bool,
    /// Whether the event is authenticated.
    pub authenticated: bool,
}

/// The affiliation that earns.
#[derive(Clone, Copy, Debug)]
pub struct Attribution<'a> {
    pub affiliation: &'a Affiliation,
    pub program: &'a Program,
    pub method: AttributionMethod,
    /// The click that led there.
    pub click: Option<ClickId>,
    /// Whether the event is authenticated, and the binding of its customer where that is what it rests on. A click that an
    /// authenticated lead or sale names need not be authenticated itself.
    pub authenticated: bool,
}

/// Finds the affiliation that earns, and tells how.
///
/// # Errors
/// [`Reason::AffiliateNotApproved`] when something sent leads to an affiliate, but to none who is approved;
/// [`Reason::ProgramRetired`] when only to programs that take nothing new; [`Reason::WindowExpired`] when only clicks that are too old do, or came too
/// long after the sale; the dialect's word for an unknown partner otherwise.
pub fn attribute<'a>(
    query: &AttributionQuery<'_>,
    world: &World,
    catalog: &'a OrgCatalog,
) -> Result<(Attribution<'a>, Trace), Refusal> {
    let mut trace = Trace::default();
    let mut unauthenticated = None;
    for &method in query.methods {
        let Some(sent) = value(method, query) else {
            continue;
        };
        let (mut candidate, found) = judge(method, sent, asked(query), query, world, catalog);
        let Some(found) = found else {
            trace.candidates.push(candidate);
            continue;
        };
        if query.authenticated && !found.authenticated {
            // An unauthenticated binding counts only where an authenticated event sends nothing else that leads to somebody.
            candidate.verdict = Verdict::Unknown;
            unauthenticated = Some((trace.candidates.len(), found));
            trace.candidates.push(candidate);
            continue;
        }
        trace.candidates.push(candidate);
        let mut kept = kept_by_first_affiliate(found, query, world, catalog);
        kept.click = kept.click.or_else(|| click_beside(&kept, query, world));
        if kept.affiliation.affiliate != found.affiliation.affiliate {
            trace.kept_by = catalog
                .affiliate(kept.affiliation.affiliate)
                .map(|affiliate| affiliate.slug.clone());
        }
        return Ok((kept, trace));
    }
    if let Some(kept) = kept_for_life(query, world, catalog) {
        let sent = value(AttributionMethod::Customer, query).unwrap_or_default();
        let (candidate, found) = judge(
            AttributionMethod::Customer,
            sent,
            Some(kept),
            query,
            world,
            catalog,
        );
        trace.candidates.push(candidate);
        if let Some(found) = found {
            return Ok((found, trace));
        }
    }
    let Some((candidate, found)) = unauthenticated else {
        return Err(refusal(query, trace));
    };
    if let Some(candidate) = trace.candidates.get_mut(candidate) {
        candidate.verdict = Verdict::Chosen;
    }
    Ok((found, trace))
}

/// Where an event that names its customer and no program means that the customer stands: in the key's program, if it has been
/// there, else in its own.
fn asked<'q>(query: &AttributionQuery<'q>) -> Option<&'q Standing> {
    let customer = query.customer?;
    let in_scope = query.scope.and_then(|scope| customer.in_program(scope));
    Some(in_scope.unwrap_or(&customer.own))
}

/// A renewal that tells the customer and, as storefronts do, the click or code of the first sale, which may have aged or
/// gone by now: in a program where the first affiliate keeps the customer that affiliate earns. What was sent may tell the
/// program still.
fn kept_for_life<'q>(
    query: &AttributionQuery<'q>,
    world: &World,
    catalog: &OrgCatalog,
) -> Option<&'q Standing> {
    let is_renewal = matches!(
        query.dialect,
        Dialect::Postback | Dialect::Native | Dialect::Pixel
    );
    if !is_renewal || query.methods.contains(&AttributionMethod::Customer) {
        return None;
    }
    let customer = query.customer?;
    let sent = query.methods.iter().filter_map(|method| {
        let click = click(*method, None, query, world);
        let affiliation = affiliation(*method, click, None, query, catalog)?;
        let program = Some(affiliation.program);
        customer.in_program(program.filter(|program| query.scope.is_none_or(|scope| scope == *program))?)
    });
    let keeps = |standing: &&Standing| {
        let program = catalog.program(standing.program);
        (standing.authenticated || !query.authenticated)
            && program.is_some_and(|program| program.terms_at(query.at).recurring)
    };
    sent.chain(asked(query)).find(keeps)
}

/// A click that was sent beside what led to its affiliate: kept for reports (seed: REST 1.6, click id).
fn click_beside(found: &Attribution<'_>, query: &AttributionQuery<'_>, world: &World) -> Option<ClickId> {
    let mut clicks = [
        AttributionMethod::Click,
        AttributionMethod::Tracking,
        AttributionMethod::Session,
    ]
    .into_iter()
    .filter_map(|method| click(method, None, query, world))
    .filter(|click| !is_after_sale(click, query));
    clicks.find_map(|click| led_to(click, found.affiliation))
}

/// What was sent for a method.
fn value(method: AttributionMethod, query: &AttributionQuery<'_>) -> Option<String> {
    let sent = query.sent;
    match method {
        AttributionMethod::Customer => query.customer.map(|customer| customer.identity.key()),
        AttributionMethod::Coupon => sent.coupon.clone(),
        AttributionMethod::Click => sent.click_id.clone(),
        AttributionMethod::ReferralCode => sent.referral_code.clone(),
        AttributionMethod::Source => Some(format!(
            "{} {}",
            sent.asset_id.as_ref()?,
            sent.source_id.as_ref()?
        )),
        AttributionMethod::Tracking => sent.tracking_id.clone(),
        AttributionMethod::Session => sent.session.clone(),
    }
}

/// `standing`: where the customer stands with the program that is meant, for the method that goes by it.
fn judge<'a>(
    method: AttributionMethod,
    sent: String,
    standing: Option<&Standing>,
    query: &AttributionQuery<'_>,
    world: &World,
    catalog: &'a OrgCatalog,
) -> (Candidate, Option<Attribution<'a>>) {
    let click = click(method, standing, query, world);
    let mut candidate = Candidate {
        method: method.name().to_owned(),
        sent,
        verdict: Verdict::Unknown,
        affiliate: None,
        click_age_days: None,
        window_days: None,
    };
    let Some(affiliation) = affiliation(method, click, standing, query, catalog) else {
        return (candidate, None);
    };
    let Some(program) = catalog.program(affiliation.program) else {
        return (candidate, None);
    };
    // A provisional lead binds nobody: its customer is as good as unknown until an authenticated lead comes.
    if method == AttributionMethod::Customer
        && standing.is_some_and(|standing| is_provisional(standing, program))
    {
        return (candidate, None);
    }
    candidate.affiliate = catalog
        .affiliate(affiliation.affiliate)
        .map(|affiliate| affiliate.slug.clone());
    if let Some(click) = click {
        candidate.click_age_days = Some((query.at - click.clicked_at).num_days());
        candidate.window_days = Some(program.terms_at(query.at).cookie_time);
    }
    candidate.verdict = if query.scope.is_some_and(|scope| scope != affiliation.program) {
        Verdict::OtherProgram
    } else if affiliation.approved != Some(true) {
        Verdict::NotApproved
    } else if program.is_retired_at(query.at) {
        Verdict::ProgramRetired
    } else if click.is_some_and(|click| is_too_old(method, click, program, query)) {
        Verdict::Expired
    } else if click.is_some_and(|click| ages(method, program, query) && is_after_sale(click, query)) {
        Verdict::AfterSale
    } else {
        Verdict::Chosen
    };
    let found = (candidate.verdict == Verdict::Chosen).then_some(Attribution {
        affiliation,
        program,
        method,
        click: click.and_then(|click| led_to(click, affiliation)),
        authenticated: query.authenticated
            && (method != AttributionMethod::Customer
                || standing.is_some_and(|standing| standing.authenticated)),
    });
    (candidate, found)
}

/// The click's id, unless it leads elsewhere: a later click may have taken it over since the customer was bound.
fn led_to(click: &Click, affiliation: &Affiliation) -> Option<ClickId> {
    let leads = (click.program, click.affiliate) == (affiliation.program, affiliation.affiliate);
    leads.then_some(click.id)
}

/// The click that a method names, or the one by which the customer came where that has an age of its own.
fn click<'w>(
    method: AttributionMethod,
    standing: Option<&Standing>,
    query: &AttributionQuery<'_>,
    world: &'w World,
) -> Option<&'w Click> {
    match method {
        AttributionMethod::Click => world.click(query.org, query.sent.click_id.as_deref()?),
        AttributionMethod::Tracking => world.click(query.org, query.sent.tracking_id.as_deref()?),
        AttributionMethod::Session => world.session(query.org, query.sent.session.as_deref()?),
        AttributionMethod::Customer => world.clicks.get(&standing?.click?),
        AttributionMethod::Coupon | AttributionMethod::ReferralCode | AttributionMethod::Source => None,
    }
}

/// Whether the time of the click matters. A customer's own click ages only in dialects whose window closes on customers
/// (seed: Affitor, attribution window), and not where the first affiliate keeps the customer.
fn ages(method: AttributionMethod, program: &Program, query: &AttributionQuery<'_>) -> bool {
    method != AttributionMethod::Customer
        || (matches!(query.dialect, Dialect::Affitor | Dialect::Affy)
            && !program.terms_at(query.at).recurring)
}

/// Older than the program's days.
fn is_too_old(
    method: AttributionMethod,
    click: &Click,
    program: &Program,
    query: &AttributionQuery<'_>,
) -> bool {
    let window = TimeDelta::days(i64::from(program.terms_at(query.at).cookie_time));
    ages(method, program, query) && !query.any_age && query.at - click.clicked_at > window
}

/// The visitor came for the first time well after the sale. Who comes again later was there before it all the same.
fn is_after_sale(click: &Click, query: &AttributionQuery<'_>) -> bool {
    click.created_at - query.at > MAX_CLICK_AFTER_SALE
}

fn affiliation<'a>(
    method: AttributionMethod,
    click: Option<&Click>,
    standing: Option<&Standing>,
    query: &AttributionQuery<'_>,
    catalog: &'a OrgCatalog,
) -> Option<&'a Affiliation> {
    let sent = query.sent;
    match method {
        AttributionMethod::Customer => {
            let standing = standing?;
            catalog.affiliation(standing.program, standing.affiliate)
        }
        AttributionMethod::Coupon => catalog.by_coupon(&fold_coupon(sent.coupon.as_deref()?)),
        AttributionMethod::Click | AttributionMethod::Tracking | AttributionMethod::Session => {
            let click = click?;
            catalog.affiliation(click.program, click.affiliate)
        }
        AttributionMethod::ReferralCode => {
            catalog.by_referral_code(sent.referral_code.as_deref()?, query.scope, query.at)
        }
        AttributionMethod::Source => catalog.by_source(sent.asset_id.as_deref()?, sent.source_id.as_deref()?),
    }
}

/// With lifetime commissions the program's first affiliate keeps the customer there, whoever's code brings the customer back. But an
/// unauthenticated binding does not keep a customer from an authenticated sale.
fn kept_by_first_affiliate<'a>(
    found: Attribution<'a>,
    query: &AttributionQuery<'_>,
    world: &World,
    catalog: &'a OrgCatalog,
) -> Attribution<'a> {
    let binds = |standing: &&Standing| {
        found.program.terms_at(query.at).recurring
            && (standing.authenticated || !query.authenticated)
            && !is_provisional(standing, found.program)
    };
    let standing = query
        .customer
        .and_then(|customer| customer.in_program(found.program.id));
    let Some(standing) = standing.filter(binds) else {
        return found;
    };
    let first = catalog.affiliation(found.program.id, standing.affiliate);
    match first.filter(|first| first.approved == Some(true)) {
        Some(affiliation) if affiliation.affiliate != found.affiliation.affiliate => {
            let click = standing.click.and_then(|click| world.clicks.get(&click));
            Attribution {
                affiliation,
                method: AttributionMethod::Customer,
                click: click.and_then(|click| led_to(click, affiliation)),
                authenticated: found.authenticated && standing.authenticated,
                ..found
            }
        }
        _ => found,
    }
}

/// The customer is bound by unauthenticated events alone, in a program that wants authenticated leads (seed: Affitor, server-side lead tracking).
fn is_provisional(standing: &Standing, program: &Program) -> bool {
    program.keyed_leads_only && !standing.authenticated
}

fn refusal(query: &AttributionQuery<'_>, trace: Trace) -> Refusal {
    let with = |verdict| {
        trace
            .candidates
            .iter()
            .find(move |candidate| candidate.verdict == verdict)
    };
    let is_tracking = matches!(query.dialect, Dialect::Affitor | Dialect::Affy);
    let (reason, detail) = if let Some(candidate) = with(Verdict::NotApproved) {
        let detail = format!(
            "the affiliate found by {} is not approved in the program",
            candidate.method
        );
        (Reason::AffiliateNotApproved, detail)
    } else if let Some(candidate) = with(Verdict::ProgramRetired) {
        let detail = format!("the program found by {} is retired", candidate.method);
        (Reason::ProgramRetired, detail)
    } else if let Some(candidate) = with(Verdict::Expired) {
        let (age, window) = (
            candidate.click_age_days.unwrap_or_default(),
            candidate.window_days.unwrap_or_default(),
        );
        let detail = format!(
            "the click found by {} is {age} days old; the program lets {window} days count",
            candidate.method
        );
        (Reason::WindowExpired, detail)
    } else if let Some(candidate) = with(Verdict::AfterSale) {
        let detail = format!(
            "the click found by {} came more than an hour after the sale",
            candidate.method
        );
        (Reason::WindowExpired, detail)
    } else if is_tracking && with(Verdict::OtherProgram).is_some() {
        let detail = "the customer belongs to a program that the key does not see";
        (Reason::CustomerElsewhere, detail.to_owned())
    } else {
        let tried = tried(query, &trace);
        match query.dialect {
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

/// What was sent and leads to nobody, in words. A customer who is not known is no candidate, but was looked for, or is all that
/// was sent.
fn tried(query: &AttributionQuery<'_>, trace: &Trace) -> String {
    let was_looked_for = query.customer.is_none() && query.methods.contains(&AttributionMethod::Customer);
    let is_named = was_looked_for || trace.candidates.is_empty();
    let mut tried = Vec::new();
    if let Some(name) = query.customer_name.filter(|_| is_named) {
        tried.push(format!("customer_id {name:?}"));
    }
    let candidates = trace.candidates.iter();
    tried.extend(candidates.map(|candidate| format!("{} {:?}", candidate.method, candidate.sent)));
    if tried.is_empty() {
        "what was sent: it names nobody".to_owned()
    } else {
        tried.join(", ")
    }
}
