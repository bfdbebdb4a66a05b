//! Finds the organisation of events that came without a key (seed: Affitor, click and browser lead; AFFY,
//! registration). Whoever names nothing that is known stays without one and is refused.

use std::collections::{BTreeSet, HashMap};

use crate::{
    db::{
        Connection, DbError,
        org_lookup::{self, CodeLead},
    },
    domain::{Body, ClickId, Event, Incoming, OrgClue, OrgId, ProgramId, click_name::ClickName},
};

/// Gives each event without an organisation the one that it names. The names are locked.
pub(super) async fn resolve(connection: &mut Connection, events: &mut [Incoming]) -> Result<(), DbError> {
    let clues: Vec<OrgClue<'_>> = unresolved(events)
        .filter_map(|event| event.needs().org_clue)
        .collect();
    if clues.is_empty() {
        return Ok(());
    }
    let links = load_links(connection, &clues).await?;
    let mut visits = load_visits(connection, &clues).await?;
    for Incoming { event, .. } in events {
        if event.org.is_none() {
            match event.needs().org_clue {
                Some(OrgClue::Link { code, host }) => {
                    if let Some((org, program)) = links.find(code, host) {
                        event.org = Some(org);
                        event.program_scope = event.program_scope.or(program);
                    }
                }
                Some(OrgClue::Visit { clicks, session }) => {
                    event.org = visits.find(clicks, session);
                }
                None => {}
            }
        }
        visits.learn(event);
    }
    Ok(())
}

fn unresolved(events: &[Incoming]) -> impl Iterator<Item = &Event> {
    let events = events.iter().map(|incoming| &incoming.event);
    events.filter(|event| event.org.is_none())
}

/// Where the codes of links lead, and who holds the hosts of the pages that were visited.
#[derive(Default)]
struct Links {
    leads: Vec<CodeLead>,
    hosts: HashMap<String, (OrgId, ProgramId)>,
}

async fn load_links(connection: &mut Connection, clues: &[OrgClue<'_>]) -> Result<Links, DbError> {
    let (mut codes, mut hosts) = (BTreeSet::new(), BTreeSet::new());
    for clue in clues {
        if let OrgClue::Link { code, host } = clue {
            codes.insert((*code).to_owned());
            hosts.extend(host.map(str::to_lowercase));
        }
    }
    if codes.is_empty() {
        return Ok(Links::default());
    }
    let leads = org_lookup::codes(connection, &Vec::from_iter(codes)).await?;
    let hosts = org_lookup::hosts(connection, &Vec::from_iter(hosts)).await?;
    Ok(Links {
        leads,
        hosts: hosts
            .into_iter()
            .map(|(host, org, program)| (host, (org, program)))
            .collect(),
    })
}

impl Links {
    /// The organisation of the page if the code is one of its own, and then the page's program if the code leads there;
    /// else the only organisation that has the code.
    fn find(&self, code: &str, host: Option<&str>) -> Option<(OrgId, Option<ProgramId>)> {
        let any = || self.leads.iter().filter(|lead| lead.code == code);
        let is_exact = any().any(|lead| lead.exact);
        let leads = || any().filter(|lead| lead.exact == is_exact);
        let holder = host.and_then(|host| self.hosts.get(&host.to_lowercase()));
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
struct Visits {
    ours: HashMap<(ClickId, i64), OrgId>,
    names: HashMap<String, OrgId>,
    sessions: HashMap<String, OrgId>,
}

async fn load_visits(connection: &mut Connection, clues: &[OrgClue<'_>]) -> Result<Visits, DbError> {
    let (mut numbers, mut names, mut sessions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for clue in clues {
        let OrgClue::Visit { clicks, session } = clue else {
            continue;
        };
        for name in *clicks {
            match ClickName::parse(name) {
                ClickName::Ours { id, .. } => _ = numbers.insert(id),
                ClickName::Theirs(name) => _ = names.insert(name),
            }
        }
        sessions.extend(session.map(ToOwned::to_owned));
    }
    let mut known = Visits::default();
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

impl Visits {
    /// The organisation of the first click that is known, else of the session.
    fn find(&self, clicks: &[String], session: Option<&str>) -> Option<OrgId> {
        let click = clicks.iter().find_map(|name| match ClickName::parse(name) {
            ClickName::Ours { id, millis } => self.ours.get(&(id, millis)),
            ClickName::Theirs(name) => self.names.get(&name),
        });
        click.or_else(|| self.sessions.get(session?)).copied()
    }

    /// A click of the batch counts for the events after it. The first holder of a name keeps it.
    fn learn(&mut self, event: &Event) {
        let (Body::Click(click), Some(org)) = (&event.body, event.org) else {
            return;
        };
        if let Some(name) = &click.name {
            self.names.entry(name.clone()).or_insert(org);
        }
        if let Some(session) = &click.session {
            self.sessions.entry(session.clone()).or_insert(org);
        }
    }
}
