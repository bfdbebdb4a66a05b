//! Leads bind customers to clicks.

use super::{
    Context, Stop,
    customer_of_sale::visitor,
    customer_record::{bind, leave_on_click, may_tell_id, new_customer, put_customer},
    view,
};
use crate::domain::{
    Applied, ClickId, CustomerId, CustomerLifecycle, CustomerRef, Dialect, Event, Identity, Lead, LeadView,
    MetaData, Reason, Refusal, World,
    attribution::{Attribution, AttributionMethod},
    entities::{Click, Customer},
    world::PoolExhausted,
};

pub(super) fn lead(context: &Context<'_>, lead: &Lead, world: &mut World) -> Result<Applied, Stop> {
    let identity = lead.customer_id.clone().map(Identity::Id);
    let click = click_of_lead(context, lead, world).cloned();
    let known = visitor(context, identity.as_ref(), click.as_ref(), world).cloned();
    let found = binding(context, click.as_ref(), known.as_ref())?;
    let id = match (&known, &click) {
        (Some(known), _) => {
            lead_again(context, lead, known, &found, world);
            known.id
        }
        (None, Some(click)) => new_lead(context, lead, click.id, &found, world)?,
        (None, None) => return Err(nobody(context.event).into()),
    };
    if let Some(click) = &click {
        leave_on_click(context, click.id, id, world);
    }
    let view = lead_view(context, lead, id, &found, world).ok_or_else(|| nobody(context.event))?;
    Ok(Applied::Lead(Box::new(view)))
}

/// The first click that is known, else the session's latest. Its age does not matter here: the window closes on sales,
/// which are decided by the click's own time.
fn click_of_lead<'w>(context: &Context<'_>, lead: &Lead, world: &'w World) -> Option<&'w Click> {
    let by_id = lead
        .click_ids
        .iter()
        .find_map(|name| world.click(context.org, name));
    by_id.or_else(|| world.session(context.org, lead.session.as_deref()?))
}

fn new_lead(
    context: &Context<'_>,
    lead: &Lead,
    click: ClickId,
    found: &Attribution<'_>,
    world: &mut World,
) -> Result<CustomerId, PoolExhausted> {
    let id = lead.customer_id.clone();
    let named = CustomerRef {
        identity: id.clone().map_or(Identity::Click(click), Identity::Id),
        external_id: id,
        email: lead.email.clone(),
        name: lead.name.clone(),
        meta_data: MetaData::new(),
    };
    new_customer(context, named, found, CustomerLifecycle::Lead, world)
}

fn lead_again(
    context: &Context<'_>,
    lead: &Lead,
    known: &Customer,
    found: &Attribution<'_>,
    world: &mut World,
) {
    let event = context.event;
    let mut customer = known.clone();
    if let Some(id) = &lead.customer_id
        && may_tell_id(event, known)
    {
        customer.identity = Identity::Id(id.clone());
        customer.external_id = Some(id.clone());
    }
    // What an unauthenticated lead says writes nothing over what an authenticated event said.
    if event.authenticated || !known.is_authenticated() {
        customer.email = lead.email.clone().or(customer.email);
        customer.name = lead.name.clone().or(customer.name);
    }
    bind(event, &mut customer, found, |standing| {
        let program = context.catalog.program(standing.program);
        let keeps_first = program.is_some_and(|program| program.terms_at(event.received_at).recurring);
        match (event.authenticated, standing.authenticated) {
            (true, false) => true,
            (false, true) => false,
            (true, true) | (false, false) => !keeps_first,
        }
    });
    put_customer(world, known, customer);
}

fn lead_view(
    context: &Context<'_>,
    lead: &Lead,
    id: CustomerId,
    found: &Attribution<'_>,
    world: &World,
) -> Option<LeadView> {
    let catalog = context.catalog;
    let customer = world.customer(context.org, id)?;
    let standing = customer.in_program(found.program.id)?;
    let click = found.click.and_then(|click| world.clicks.get(&click));
    Some(LeadView {
        customer: view::customer_record(customer, world, catalog)?,
        click: click.and_then(|click| view::click(click, lead.session.as_deref(), catalog)),
        is_provisional: found.program.keyed_leads_only && !standing.authenticated,
    })
}

/// Where the lead binds its customer: the click's affiliate, else where the customer is bound already. An authenticated
/// lead that names the customer alone confirms that binding.
fn binding<'a>(
    context: &Context<'a>,
    click: Option<&Click>,
    known: Option<&Customer>,
) -> Result<Attribution<'a>, Refusal> {
    let Context { event, catalog, .. } = *context;
    let (program, affiliate, method, click) = match (click, known) {
        (Some(click), _) => (
            click.program,
            click.affiliate,
            AttributionMethod::Click,
            Some(click.id),
        ),
        (None, Some(known)) => (
            known.own.program,
            known.own.affiliate,
            AttributionMethod::Customer,
            known.own.click,
        ),
        (None, None) => return Err(nobody(event)),
    };
    if !event.sees(program) || known.is_some_and(|known| !event.sees(known.own.program)) {
        let detail = "the customer belongs to a program that the key does not see";
        return Err(Refusal::new(Reason::CustomerElsewhere, detail));
    }
    // But an authenticated lead may still bind a customer who is known by unauthenticated events only.
    let standing = known.and_then(|known| known.in_program(program));
    let is_final = standing.is_some_and(|standing| {
        standing.first_sale_at.is_some() && (standing.authenticated || !event.authenticated)
    });
    if is_final && event.dialect == Dialect::Affitor {
        let detail = "the customer has bought already and is no lead any more";
        return Err(Refusal::new(Reason::CustomerConverted, detail));
    }
    let affiliation = catalog.affiliation(program, affiliate);
    let Some((affiliation, program)) = affiliation.zip(catalog.program(program)) else {
        return Err(nobody(event));
    };
    if affiliation.approved != Some(true) {
        let detail = format!(
            "the affiliate found by {} is not approved in the program",
            method.name()
        );
        return Err(Refusal::new(Reason::AffiliateNotApproved, detail));
    }
    if program.is_retired_at(event.received_at) {
        let detail = format!("the program found by {} is retired", method.name());
        return Err(Refusal::new(Reason::ProgramRetired, detail));
    }
    Ok(Attribution {
        affiliation,
        program,
        method,
        click,
        authenticated: event.authenticated,
    })
}

/// The click or session of an event without an organisation is of several.
pub(super) fn ambiguous() -> Refusal {
    Refusal::new(
        Reason::AmbiguousClick,
        "the click or session does not tell the organization: send clientId, or an API key as Bearer",
    )
}

/// Nothing that was sent is known, in the dialect's words.
pub(super) fn nobody(event: &Event) -> Refusal {
    match event.dialect {
        Dialect::Affy => Refusal::new(Reason::UnknownClick, "no click is known by what was sent"),
        _ => Refusal::new(Reason::UnknownCustomer, "no customer is known by what was sent"),
    }
}
