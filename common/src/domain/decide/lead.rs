//! Leads bind customers to clicks.

use super::{Decisions, PoolExhausted, customer_of_sale, view};
use crate::domain::{
    Applied, ClickId, CustomerId, CustomerRef, Dialect, Event, Identity, Lead, LeadView, MetaData, Reason,
    Refusal, Track,
    attribution::{Attribution, AttributionMethod},
    catalog::OrgCatalog,
    entities::{Click, Customer},
};

impl Decisions {
    pub(super) fn lead(
        &mut self,
        event: &Event,
        lead: &Lead,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        self.with_catalog(event, |this, catalog| this.lead_with(event, lead, catalog))
    }

    fn lead_with(
        &mut self,
        event: &Event,
        lead: &Lead,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let identity = lead.customer_id.clone().map(Identity::Id);
        let click = self.click_of_lead(event, lead).cloned();
        let known = self.visitor(event, identity.as_ref(), click.as_ref()).cloned();
        let found = match found(event, click.as_ref(), known.as_ref(), catalog) {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let id = match (&known, &click) {
            (Some(known), _) => {
                self.lead_again(event, lead, known, &found, catalog);
                known.id
            }
            (None, Some(click)) => self.new_lead(event, lead, click.id, &found)?,
            (None, None) => return Ok(Err(nobody(event))),
        };
        if let Some(click) = &click {
            self.leave_on_click(event, click.id, id);
        }
        Ok(self
            .lead_view(event, lead, id, found.click, catalog)
            .map(|view| Applied::Lead(Box::new(view)))
            .ok_or_else(|| nobody(event)))
    }

    /// The first click that is known, else the session's latest. Its age does not matter here: the window closes on
    /// sales, which are decided by the click's own time.
    fn click_of_lead(&self, event: &Event, lead: &Lead) -> Option<&Click> {
        let by_id = lead
            .click_ids
            .iter()
            .find_map(|name| self.world.click(event.org, name));
        by_id.or_else(|| self.world.session(event.org, lead.session.as_deref()?))
    }

    fn new_lead(
        &mut self,
        event: &Event,
        lead: &Lead,
        click: ClickId,
        found: &Attribution<'_>,
    ) -> Result<CustomerId, PoolExhausted> {
        let id = lead.customer_id.clone();
        let named = CustomerRef {
            identity: id.clone().map_or(Identity::Click(click), Identity::Id),
            external_id: id,
            email: lead.email.clone(),
            name: lead.name.clone(),
            meta_data: MetaData::new(),
        };
        self.new_customer(event, named, found, Track::Lead)
    }

    fn lead_again(
        &mut self,
        event: &Event,
        lead: &Lead,
        known: &Customer,
        found: &Attribution<'_>,
        catalog: &OrgCatalog,
    ) {
        let mut customer = known.clone();
        if let Some(id) = &lead.customer_id
            && customer_of_sale::may_tell_id(event, known)
        {
            customer.identity = Identity::Id(id.clone());
            customer.external_id = Some(id.clone());
        }
        // What no secret vouches for writes nothing over what one does.
        if event.authenticated || !known.authenticated {
            customer.email = lead.email.clone().or(customer.email);
            customer.name = lead.name.clone().or(customer.name);
        }
        let keeps_first = catalog
            .program(known.program)
            .is_some_and(|program| program.recurring);
        let rebinds = match (event.authenticated, known.authenticated) {
            (true, false) => true,
            (false, true) => false,
            (true, true) | (false, false) => !keeps_first,
        };
        if rebinds {
            customer_of_sale::rebind(&mut customer, found);
        }
        self.put_customer(known, customer);
    }

    fn lead_view(
        &self,
        event: &Event,
        lead: &Lead,
        id: CustomerId,
        click: Option<ClickId>,
        catalog: &OrgCatalog,
    ) -> Option<LeadView> {
        let customer = self.world.customer(event.org, id)?;
        let program = catalog.program(customer.program)?;
        let click = click.and_then(|click| self.world.clicks.get(&click));
        Some(LeadView {
            customer: view::customer_record(customer, &self.world, catalog)?,
            click: click.and_then(|click| view::click(click, lead.session.as_deref(), catalog)),
            is_provisional: program.keyed_leads_only && !customer.authenticated,
        })
    }
}

/// Where the lead binds its customer: the click's affiliate, else where the customer is bound already. A lead with a
/// secret that names the customer alone settles that binding.
fn found<'a>(
    event: &Event,
    click: Option<&Click>,
    known: Option<&Customer>,
    catalog: &'a OrgCatalog,
) -> Result<Attribution<'a>, Refusal> {
    let (program, affiliate, rank, click) = match (click, known) {
        (Some(click), _) => (
            click.program,
            click.affiliate,
            AttributionMethod::Click,
            Some(click.id),
        ),
        (None, Some(known)) => (
            known.program,
            known.affiliate,
            AttributionMethod::Customer,
            known.click,
        ),
        (None, None) => return Err(nobody(event)),
    };
    let is_elsewhere = |program| event.program_scope.is_some_and(|scope| scope != program);
    if is_elsewhere(program) || known.is_some_and(|known| is_elsewhere(known.program)) {
        let detail = "the customer belongs to a program that the key does not see";
        return Err(Refusal::new(Reason::CustomerElsewhere, detail));
    }
    // A sale without a secret makes nobody a customer whom a lead with one could not bind.
    let is_final = known
        .is_some_and(|known| known.first_sale_at.is_some() && (known.authenticated || !event.authenticated));
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
            rank.name()
        );
        return Err(Refusal::new(Reason::AffiliateNotApproved, detail));
    }
    Ok(Attribution {
        affiliation,
        program,
        rank,
        click,
        authenticated: event.authenticated,
    })
}

/// Nothing that was sent is known, in the dialect's words.
fn nobody(event: &Event) -> Refusal {
    match event.dialect {
        Dialect::Affy => Refusal::new(Reason::UnknownClick, "no click is known by what was sent"),
        _ => Refusal::new(Reason::UnknownCustomer, "no customer is known by what was sent"),
    }
}
