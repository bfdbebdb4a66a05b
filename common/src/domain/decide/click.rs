//! Clicks on affiliates' links.

use super::{
    Context, Effects, Stop,
    customer_record::{change_customer, rebind},
    view,
};
use crate::domain::{
    Applied, Event, MetaData, OrgId, Reason, RecordClick, Refusal, World,
    attribution::{Attribution, AttributionMethod},
    catalog::{Affiliation, Program},
    click_name::ClickName,
    entities::{Change, Click},
    world::{IdPool, PoolExhausted},
};

pub(super) fn record_click(
    context: &Context<'_>,
    sent: &RecordClick,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let link = link(context, sent)?;
    refuse_our_form(context.org, sent, world)?;
    let click = match same_click(context, sent, world) {
        Some(earlier) => {
            let click = taken_over(earlier, context.event, sent, &link);
            follow_click(context, &click, &link, world);
            click
        }
        None => new_click(context, sent, &link, &mut world.ids)?,
    };
    let view = view::click(&click, sent.session.as_deref(), context.catalog)
        .ok_or_else(|| unknown_link(&sent.referral_code))?;
    if let Some(session) = &sent.session {
        note_session(session, &click, world, effects);
    }
    world.add_click(click);
    Ok(Applied::Click(Box::new(view)))
}

/// A client's id in the form of one of our names would be looked up as ours, and never be found. The refusal is the same
/// whether another organisation has a click of this name or nobody.
fn refuse_our_form(org: OrgId, sent: &RecordClick, world: &World) -> Result<(), Refusal> {
    let Some(name) = &sent.name else {
        return Ok(());
    };
    let is_ours = matches!(ClickName::parse(name), ClickName::Ours { .. });
    if is_ours && world.click(org, name).is_none() {
        let detail =
            format!("click id {name:?} has the form of ids that are given here, and was not given to you");
        return Err(Refusal::new(Reason::ClickTaken, detail));
    }
    Ok(())
}

/// The click that is recorded again, or that the visitor came by before. An unauthenticated event takes over no
/// authenticated click: that becomes a click of its own, unless it has the same name.
fn same_click(context: &Context<'_>, sent: &RecordClick, world: &World) -> Option<Click> {
    let by_name = sent
        .name
        .as_deref()
        .and_then(|name| world.click(context.org, name));
    let earlier = || {
        let existing = world.click(context.org, sent.existing.as_deref()?)?;
        may_take_over(context.event, existing).then_some(existing)
    };
    by_name.or_else(earlier).cloned()
}

fn new_click(
    context: &Context<'_>,
    sent: &RecordClick,
    link: &Link<'_>,
    ids: &mut IdPool,
) -> Result<Click, PoolExhausted> {
    let event = context.event;
    Ok(Click {
        change: Change::Insert,
        org: context.org,
        id: ids.click()?,
        name: sent.name.clone(),
        program: link.program.id,
        affiliate: link.affiliation.affiliate,
        referral_code: sent.referral_code.clone(),
        customer: None,
        customer_authenticated: false,
        event: event.id,
        dialect: event.dialect,
        authenticated: event.authenticated,
        referrer: sent.referrer.clone(),
        landing_page: sent.landing_page.clone(),
        meta_data: sent.meta_data.clone(),
        details: details(sent),
        created_at: event.received_at,
        clicked_at: event.received_at,
    })
}

/// In a program without lifetime commissions a customer is bound to where its click leads now (seed: Affitor, last click).
fn follow_click(context: &Context<'_>, click: &Click, link: &Link<'_>, world: &mut World) {
    let event = context.event;
    let Some(customer) = click.customer.and_then(|id| world.customer(context.org, id)) else {
        return;
    };
    let Some(standing) = customer.in_program(link.program.id) else {
        return;
    };
    let follows = standing.click == Some(click.id)
        && click.event == event.id
        && !link.program.terms_at(event.received_at).recurring
        && (event.authenticated || !standing.authenticated)
        && customer.deleted_at.is_none();
    if !follows {
        return;
    }
    let found = Attribution {
        affiliation: link.affiliation,
        program: link.program,
        method: AttributionMethod::Click,
        click: Some(click.id),
        authenticated: standing.authenticated,
    };
    change_customer(world, context.org, customer.id, |customer| {
        if let Some(standing) = customer.in_program_mut(link.program.id) {
            rebind(standing, &found);
        }
    });
}

/// The latest click of a session counts, in whatever order clicks are delivered. An unauthenticated click takes over no
/// session of an authenticated one.
fn note_session(session: &str, click: &Click, world: &mut World, effects: &mut Effects) {
    let keeps = |current: &Click| {
        current.id == click.id
            || current.clicked_at > click.clicked_at
            || (current.authenticated && !click.authenticated)
    };
    if world.session(click.org, session).is_some_and(keeps) {
        return;
    }
    world.sessions.insert((click.org, session.to_owned()), click.id);
    effects
        .sessions
        .retain(|(noted, org, _)| (noted.as_str(), *org) != (session, click.org));
    effects.sessions.push((session.to_owned(), click.org, click.id));
}

/// Where a link leads.
struct Link<'a> {
    affiliation: &'a Affiliation,
    program: &'a Program,
}

fn link<'a>(context: &Context<'a>, sent: &RecordClick) -> Result<Link<'a>, Refusal> {
    let Context { event, catalog, .. } = *context;
    let affiliation = catalog
        .by_referral_code(&sent.referral_code, event.program_scope, event.received_at)
        .filter(|affiliation| event.sees(affiliation.program))
        .ok_or_else(|| unknown_link(&sent.referral_code))?;
    let program = catalog
        .program(affiliation.program)
        .ok_or_else(|| unknown_link(&sent.referral_code))?;
    if affiliation.approved != Some(true) {
        let detail = format!(
            "the affiliate of referral_code {:?} is not approved in the program",
            sent.referral_code
        );
        return Err(Refusal::new(Reason::AffiliateNotApproved, detail));
    }
    if program.is_retired_at(event.received_at) {
        let detail = format!("the program of referral_code {:?} is retired", sent.referral_code);
        return Err(Refusal::new(Reason::ProgramRetired, detail));
    }
    Ok(Link { affiliation, program })
}

pub(super) fn unknown_link(code: &str) -> Refusal {
    Refusal::new(
        Reason::NotAttributed,
        format!("no affiliate is known by referral_code {code:?}"),
    )
}

fn may_take_over(event: &Event, click: &Click) -> bool {
    event.authenticated || !click.authenticated
}

/// The last click counts: the click keeps its names, and leads where the last one led. A click that is delivered late changes
/// nothing, nor does an unauthenticated one after an authenticated one.
fn taken_over(earlier: Click, event: &Event, sent: &RecordClick, link: &Link<'_>) -> Click {
    if event.received_at < earlier.clicked_at || !may_take_over(event, &earlier) {
        return earlier;
    }
    let mut click = Click {
        program: link.program.id,
        affiliate: link.affiliation.affiliate,
        referral_code: sent.referral_code.clone(),
        event: event.id,
        dialect: event.dialect,
        authenticated: event.authenticated,
        referrer: sent.referrer.clone(),
        landing_page: sent.landing_page.clone(),
        meta_data: sent.meta_data.clone(),
        details: details(sent),
        clicked_at: event.received_at,
        ..earlier
    };
    click.change.touch();
    click
}

fn details(sent: &RecordClick) -> MetaData {
    let mut details = sent.details.clone();
    if let Some(source) = &sent.source_id {
        details.insert("source_id".to_owned(), source.clone().into());
    }
    details
}
