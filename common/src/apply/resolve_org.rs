//! Finds the organisation of events that came without a key (seed: Affitor, click and browser lead; AFFY,
//! registration). What is found nowhere keeps [`OrgId::UNLOCATED`] and is refused: no organisation has that number.

use std::collections::{BTreeSet, HashMap};

use crate::{
    db::{
        Connection, DbError,
        org_lookup::{self, CodeLead},
    },
    domain::{Body, ClickId, Event, Incoming, Lead, OrgId, ProgramId, RecordClick, click_name::ClickName},
};

/// Gives each event without an organisation the one that it names. The names are locked.
pub(super) async fn locate(connection: &mut Connection, events: &mut [Incoming]) -> Result<(), DbError> {
    if events.iter().all(|one| one.event.org != OrgId::UNLOCATED) {
        return Ok(());
    }
    let by_code = load_codes(connection, events).await?;
    let mut known = load_clicks(connection, events).await?;
    for incoming in events {
        let event = &mut incoming.event;
        if event.org == OrgId::UNLOCATED {
            match &event.body {
                Body::Click(click) => {
                    if let Some((org, program)) = by_code.find(click) {
                        event.org = org;
                        event.program_scope = event.program_scope.or(program);
                    }
                }
                Body::Lead(lead) => event.org = known.find(lead).unwrap_or(OrgId::UNLOCATED),
                _ => {}
            }
        }
        known.learn(&incoming.event);
    }
    Ok(())
}

/// Where the codes of clicks lead, and who holds the hosts of their pages.
#[derive(Default)]
struct Codes {
    leads: Vec<CodeLead>,
    hosts: HashMap<String, (OrgId, ProgramId)>,
}

fn host(click: &RecordClick) -> Option<String> {
    click.host.as_ref().map(|host| host.to_lowercase())
}

async fn load_codes(connection: &mut Connection, events: &[Incoming]) -> Result<Codes, DbError> {
    let clicks = || {
        unlocated(events).filter_map(|event| match &event.body {
            Body::Click(click) => Some(click),
            _ => None,
        })
    };
    let codes: BTreeSet<String> = clicks().map(|click| click.referral_code.clone()).collect();
    if codes.is_empty() {
        return Ok(Codes::default());
    }
    let hosts: BTreeSet<String> = clicks().filter_map(|click| host(click)).collect();
    let leads = org_lookup::codes(connection, &Vec::from_iter(codes)).await?;
    let hosts = org_lookup::hosts(connection, &Vec::from_iter(hosts)).await?;
    Ok(Codes {
        leads,
        hosts: hosts
            .into_iter()
            .map(|(host, org, program)| (host, (org, program)))
            .collect(),
    })
}

impl Codes {
    /// The organisation of the page if the code is one of its own, and then the page's program if the code leads there;
    /// else the only organisation that has the code.
    fn find(&self, click: &RecordClick) -> Option<(OrgId, Option<ProgramId>)> {
        let leads = || self.leads.iter().filter(|lead| lead.code == click.referral_code);
        let holder = host(click).and_then(|host| self.hosts.get(&host));
        if let Some(&(org, program)) = holder
            && leads().any(|lead| lead.org == org)
        {
            let is_own = leads().any(|lead| (lead.org, lead.program) == (org, program));
            return Some((org, is_own.then_some(program)));
        }
        let first = leads().next()?.org;
        leads().all(|lead| lead.org == first).then_some((first, None))
    }
}

/// The organisations of clicks and sessions.
#[derive(Default)]
struct Clicks {
    ours: HashMap<(ClickId, i64), OrgId>,
    names: HashMap<String, OrgId>,
    sessions: HashMap<String, OrgId>,
}

async fn load_clicks(connection: &mut Connection, events: &[Incoming]) -> Result<Clicks, DbError> {
    let leads = || {
        unlocated(events).filter_map(|event| match &event.body {
            Body::Lead(lead) => Some(lead),
            _ => None,
        })
    };
    let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
    for name in leads().flat_map(|lead| &lead.click_ids) {
        match ClickName::parse(name) {
            ClickName::Ours { id, .. } => _ = numbers.insert(id),
            ClickName::Theirs(name) => _ = names.insert(name),
        }
    }
    let sessions: BTreeSet<String> = leads().filter_map(|lead| lead.session.clone()).collect();
    let mut known = Clicks::default();
    if !numbers.is_empty() {
        let found = org_lookup::clicks(connection, &Vec::from_iter(numbers)).await?;
        known.ours = found
            .into_iter()
            .map(|(id, millis, org)| ((id, millis), org))
            .collect();
    }
    if !names.is_empty() {
        let found = org_lookup::names(connection, &Vec::from_iter(names)).await?;
        known.names = found.into_iter().collect();
    }
    if !sessions.is_empty() {
        let found = org_lookup::sessions(connection, &Vec::from_iter(sessions)).await?;
        known.sessions = found.into_iter().collect();
    }
    Ok(known)
}

impl Clicks {
    /// The organisation of the first click that is known, else of the session.
    fn find(&self, lead: &Lead) -> Option<OrgId> {
        let click = lead
            .click_ids
            .iter()
            .find_map(|name| match ClickName::parse(name) {
                ClickName::Ours { id, millis } => self.ours.get(&(id, millis)),
                ClickName::Theirs(name) => self.names.get(&name),
            });
        let session = || self.sessions.get(lead.session.as_ref()?);
        click.or_else(session).copied()
    }

    /// A click of the batch counts for the events after it. The first holder of a name keeps it.
    fn learn(&mut self, event: &Event) {
        let Body::Click(click) = &event.body else { return };
        if event.org == OrgId::UNLOCATED {
            return;
        }
        if let Some(name) = &click.name {
            self.names.entry(name.clone()).or_insert(event.org);
        }
        if let Some(session) = &click.session {
            self.sessions.entry(session.clone()).or_insert(event.org);
        }
    }
}

fn unlocated(events: &[Incoming]) -> impl Iterator<Item = &Event> {
    let events = events.iter().map(|one| &one.event);
    events.filter(|event| event.org == OrgId::UNLOCATED)
}
