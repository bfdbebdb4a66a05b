//! Finds the organisation of events that came without a key (seed: Affitor, click and browser lead; AFFY,
//! registration). Whoever names nothing that is known, or something that several have, stays without one and is refused.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    db::{
        Connection, DbError,
        org_lookup::{self, CodeLead, Holder},
    },
    domain::{Body, ClickId, Event, EventId, Incoming, OrgClue, OrgId, ProgramId, click_name::ClickName},
};

/// Gives each event without an organisation the one that it names. The names are locked. Returns the events whose names are of
/// several.
pub(super) async fn resolve(
    connection: &mut Connection,
    events: &mut [Incoming],
) -> Result<HashSet<EventId>, DbError> {
    let mut ambiguous = HashSet::new();
    let clues: Vec<OrgClue<'_>> = unresolved(events)
        .filter_map(|event| event.needs().org_clue)
        .collect();
    if clues.is_empty() {
        return Ok(ambiguous);
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
                Some(OrgClue::Visit { clicks, session }) => match visits.find(clicks, session) {
                    Some(Found::Lone(org)) => event.org = Some(org),
                    Some(Found::Several) => _ = ambiguous.insert(event.id),
                    None => {}
                },
                None => {}
            }
        }
        visits.learn(event);
    }
    Ok(ambiguous)
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
    names: HashMap<String, Holders>,
    sessions: HashMap<String, Holders>,
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
        known.names = holders(found);
    }
    if !sessions.is_empty() {
        let found = org_lookup::sessions(connection, &Vec::from_iter(sessions)).await?;
        known.sessions = holders(found);
    }
    Ok(known)
}

/// Who has a click or a session of one name.
#[derive(Default)]
struct Holders {
    /// With an authenticated click. Those of the batch count: no stranger's earlier click must take what is signed.
    authenticated: BTreeSet<OrgId>,
    others: BTreeSet<OrgId>,
    /// By unauthenticated clicks of the batch, which may yet be refused.
    coming: BTreeSet<OrgId>,
}

fn holders(found: Vec<Holder>) -> HashMap<String, Holders> {
    let mut all: HashMap<String, Holders> = HashMap::new();
    for Holder {
        name,
        org,
        authenticated,
    } in found
    {
        let holders = all.entry(name).or_default();
        let holders = if authenticated {
            &mut holders.authenticated
        } else {
            &mut holders.others
        };
        holders.insert(org);
    }
    all
}

/// Whom a name leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Lone(OrgId),
    Several,
}

impl Holders {
    /// Authenticated holders come first: what a stranger records under the same name leads nobody away.
    fn find(&self) -> Option<Found> {
        let rank = [&self.authenticated, &self.others, &self.coming];
        let mut orgs = rank.into_iter().find(|orgs| !orgs.is_empty())?.iter();
        match (orgs.next(), orgs.next()) {
            (Some(org), None) => Some(Found::Lone(*org)),
            _ => Some(Found::Several),
        }
    }
}

impl Visits {
    /// The first of the clicks, else the session, that leads to one organisation.
    fn find(&self, clicks: &[String], session: Option<&str>) -> Option<Found> {
        let by_click = clicks.iter().filter_map(|name| match ClickName::parse(name) {
            ClickName::Ours { id, millis } => self.ours.get(&(id, millis)).copied().map(Found::Lone),
            ClickName::Theirs(name) => self.names.get(&name).and_then(Holders::find),
        });
        let by_session = session
            .and_then(|session| self.sessions.get(session))
            .and_then(Holders::find);
        let found: Vec<Found> = by_click.chain(by_session).collect();
        let lone = found.iter().find(|found| matches!(found, Found::Lone(_)));
        lone.or(found.first()).copied()
    }

    /// A click of the batch counts for the events after it.
    fn learn(&mut self, event: &Event) {
        let (Body::Click(click), Some(org)) = (&event.body, event.org) else {
            return;
        };
        let note = |holders: &mut Holders| {
            let holders = if event.authenticated {
                &mut holders.authenticated
            } else {
                &mut holders.coming
            };
            holders.insert(org);
        };
        if let Some(name) = &click.name {
            note(self.names.entry(name.clone()).or_default());
        }
        if let Some(session) = &click.session {
            note(self.sessions.entry(session.clone()).or_default());
        }
    }
}
