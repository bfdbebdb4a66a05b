//! Clicks on affiliates' links.

use super::{Decisions, PoolExhausted, customer_of_sale::rebind, view};
use crate::domain::{
    Applied, Event, MetaData, OrgId, Reason, RecordClick, Refusal,
    attribution::{Attribution, AttributionMethod},
    catalog::{Affiliation, OrgCatalog, Program},
    click_name::ClickName,
    entities::{Change, Click},
};

impl Decisions {
    pub(super) fn click(
        &mut self,
        event: &Event,
        click: &RecordClick,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        self.with_catalog(event, |this, catalog| this.click_with(event, click, catalog))
    }

    fn click_with(
        &mut self,
        event: &Event,
        sent: &RecordClick,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let link = match link(event, sent, catalog) {
            Ok(link) => link,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = self.is_free(event.org, sent) {
            return Ok(Err(refusal));
        }
        let click = match self.same_click(event, sent) {
            Some(earlier) => {
                let click = taken_over(earlier, event, sent, &link);
                self.follow_click(event, &click, &link);
                click
            }
            None => self.new_click(event, sent, &link)?,
        };
        self.world.add_click(click.clone());
        if let Some(session) = &sent.session {
            self.note_session(session, &click);
        }
        let view = view::click(&click, sent.session.as_deref(), catalog);
        Ok(view
            .map(|view| Applied::Click(Box::new(view)))
            .ok_or_else(|| unknown_link(sent)))
    }

    /// Names and sessions come without a key: across organisations the first holder keeps one.
    fn is_free(&self, org: OrgId, sent: &RecordClick) -> Result<(), Refusal> {
        let taken = |field: &str, value: &str| {
            Refusal::new(
                Reason::ClickTaken,
                format!("{field} {value:?} belongs to somebody else"),
            )
        };
        if let Some(session) = &sent.session
            && self.world.is_session_taken(org, session)
        {
            return Err(taken("session", session));
        }
        if let Some(name) = &sent.name {
            // A name in the form of ours would never be found again.
            let is_ours = matches!(ClickName::parse(name), ClickName::Ours { .. });
            if is_ours && self.world.click(org, name).is_none() || self.world.is_name_taken(org, name) {
                return Err(taken("click id", name));
            }
        }
        Ok(())
    }

    /// The click that is recorded again, or that the visitor came by before. What came with a secret is not taken over
    /// by what came without: that becomes a click of its own, unless it has the same name.
    fn same_click(&self, event: &Event, sent: &RecordClick) -> Option<Click> {
        let by_name = sent
            .name
            .as_deref()
            .and_then(|name| self.world.click(event.org, name));
        let earlier = || {
            let existing = self.world.click(event.org, sent.existing.as_deref()?)?;
            may_take_over(event, existing).then_some(existing)
        };
        by_name.or_else(earlier).cloned()
    }

    fn new_click(
        &mut self,
        event: &Event,
        sent: &RecordClick,
        link: &Link<'_>,
    ) -> Result<Click, PoolExhausted> {
        Ok(Click {
            change: Change::Insert,
            org: event.org,
            id: self.world.ids.click().ok_or(PoolExhausted)?,
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

    /// Where no first affiliate keeps customers, one follows the click that brought them (seed: Affitor, last click).
    fn follow_click(&mut self, event: &Event, click: &Click, link: &Link<'_>) {
        let Some(customer) = click.customer.and_then(|id| self.world.customer(event.org, id)) else {
            return;
        };
        let follows = customer.click == Some(click.id)
            && click.event == event.id
            && customer.program == link.program.id
            && !link.program.recurring
            && (event.authenticated || !customer.authenticated)
            && customer.deleted_at.is_none();
        let (id, authenticated) = (customer.id, customer.authenticated);
        if follows {
            let found = Attribution {
                affiliation: link.affiliation,
                program: link.program,
                rank: AttributionMethod::Click,
                click: Some(click.id),
                authenticated,
            };
            self.change_customer(event.org, id, |one| rebind(one, &found));
        }
    }

    /// The latest click of a session counts, in whatever order clicks are delivered.
    fn note_session(&mut self, session: &str, click: &Click) {
        let current = self.world.session(click.org, session);
        // What came with a secret is not taken over by what came without.
        let keeps = |current: &Click| {
            current.id == click.id
                || current.clicked_at > click.clicked_at
                || (current.authenticated && !click.authenticated)
        };
        if current.is_some_and(keeps) {
            return;
        }
        self.world.sessions.insert(session.to_owned(), click.id);
        self.sessions.retain(|(one, _, _)| one != session);
        self.sessions.push((session.to_owned(), click.org, click.id));
    }
}

/// Where a link leads.
struct Link<'a> {
    affiliation: &'a Affiliation,
    program: &'a Program,
}

fn link<'a>(event: &Event, sent: &RecordClick, catalog: &'a OrgCatalog) -> Result<Link<'a>, Refusal> {
    let affiliation = catalog
        .by_referral_code(&sent.referral_code, event.program_scope)
        .filter(|found| event.program_scope.is_none_or(|scope| scope == found.program))
        .ok_or_else(|| unknown_link(sent))?;
    let program = catalog
        .program(affiliation.program)
        .ok_or_else(|| unknown_link(sent))?;
    if affiliation.approved == Some(true) {
        return Ok(Link { affiliation, program });
    }
    let detail = format!(
        "the affiliate of referral_code {:?} is not approved in the program",
        sent.referral_code
    );
    Err(Refusal::new(Reason::AffiliateNotApproved, detail))
}

fn unknown_link(sent: &RecordClick) -> Refusal {
    Refusal::new(
        Reason::NotAttributed,
        format!("no affiliate is known by referral_code {:?}", sent.referral_code),
    )
}

fn may_take_over(event: &Event, click: &Click) -> bool {
    event.authenticated || !click.authenticated
}

/// The last click counts: the same names, another way. A click that is delivered late, or that lacks the secret which
/// the earlier one had, changes nothing.
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
