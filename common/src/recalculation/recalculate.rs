//! Recalculating chosen conversions, some at a time. What changes is found by doing it and rolling back, so that a preview and
//! the effect cannot differ; only what changes becomes an event.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::report::{Report, recalculated};
use crate::{
    apply::{self, ApplyError},
    bulk::{Attempts, BATCH, Caller},
    catalog::{self, Declaration, SyncError},
    db::{self, Connection, Pool, audit::Note},
    domain::{Applied, Body, ConversionId, Decision, EventId, Incoming, RecalculateCommissions},
    message::EventIds,
};

/// Differences that one report lists, at most.
pub const MAX_DIFFERENCES: usize = 100_000;

/// What is to be done, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Request {
    pub caller: Caller,
    /// Only tell what would change.
    pub preview: bool,
    /// Rules that are supposed, for a preview; then nothing is done.
    pub rules: Option<Rules>,
    /// Differences to list, at most [`MAX_DIFFERENCES`].
    pub limit: usize,
}

/// Rules that do not hold yet.
#[derive(Clone, Debug)]
pub struct Rules {
    pub file: Declaration,
    /// From when on they are supposed to hold.
    pub from: DateTime<Utc>,
}

/// Nothing more can be said or done.
#[derive(Debug, thiserror::Error)]
pub enum RecalculateError {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The supposed rules could not be applied.
    #[error(transparent)]
    Rules(SyncError),
}

/// Recalculates `conversions`, or tells what that would change. `progress` is told after each batch how many were looked at.
///
/// # Errors
/// When the database does not answer: the batches before hold, and the same again changes only what is behind them. When the
/// supposed rules are in the way of something.
pub async fn recalculate(
    pool: &Pool,
    ids: &EventIds,
    conversions: &[ConversionId],
    request: &Request,
    mut progress: impl FnMut(usize),
) -> Result<Report, RecalculateError> {
    let mut report = Report::default();
    let limit = request.limit.min(MAX_DIFFERENCES);
    for batch in conversions.chunks(BATCH) {
        let events: Vec<Incoming> = batch.iter().map(|id| event(ids, *id, &request.caller)).collect();
        let mut decided = tried(pool, &events, request).await?;
        if !request.preview && request.rules.is_none() {
            take(pool, ids, &mut decided, &request.caller).await?;
        }
        for decision in &decided {
            report.add(decision, limit);
        }
        progress(report.selected);
    }
    Ok(report)
}

fn event(ids: &EventIds, conversion: ConversionId, caller: &Caller) -> Incoming {
    caller.event(
        ids,
        Body::RecalculateCommissions(RecalculateCommissions { conversion }),
    )
}

/// What becomes of a batch, without an effect. Again while others keep it from being decided.
async fn tried(
    pool: &Pool,
    events: &[Incoming],
    request: &Request,
) -> Result<Vec<Decision>, RecalculateError> {
    let mut attempts = Attempts::default();
    loop {
        // Short transactions: live sales of the same affiliates wait for the locks of this one.
        let mut transaction = db::begin(pool).await.map_err(ApplyError::from)?;
        let tried = try_once(&mut transaction, events, request).await;
        // Where the connection is lost its transaction is, too.
        let ended = db::rollback(transaction).await.map_err(ApplyError::from);
        match tried {
            Err(RecalculateError::Apply(error)) if attempts.goes_on(&error) => {}
            Err(error) => return Err(error),
            Ok(decided) => {
                ended?;
                return Ok(decided);
            }
        }
    }
}

async fn try_once(
    connection: &mut Connection,
    events: &[Incoming],
    request: &Request,
) -> Result<Vec<Decision>, RecalculateError> {
    let now = request.caller.author.now;
    if let Some(rules) = &request.rules {
        let supposed = catalog::suppose(connection, &rules.file, rules.from).await;
        supposed.map_err(|error| {
            if let SyncError::Database(error) = error {
                RecalculateError::Apply(error.into())
            } else {
                RecalculateError::Rules(error)
            }
        })?;
    }
    Ok(apply::apply(connection, events.to_vec(), now).await?)
}

/// Does what was found, by new events, as somebody may have changed something since. Each takes the place of its finding.
async fn take(
    pool: &Pool,
    ids: &EventIds,
    found: &mut [Decision],
    caller: &Caller,
) -> Result<(), RecalculateError> {
    let mut events = Vec::new();
    let mut places: HashMap<EventId, usize> = HashMap::new();
    for (place, decision) in found.iter().enumerate() {
        let changes = recalculated(decision).filter(|view| !view.changes.is_empty());
        if let Some(view) = changes {
            let event = event(ids, view.conversion.id, caller);
            places.insert(event.event.id, place);
            events.push(event);
        }
    }
    if events.is_empty() {
        return Ok(());
    }
    for decision in caller.apply(pool, &events, note).await? {
        let place = places
            .get(&decision.event.id)
            .and_then(|place| found.get_mut(*place));
        if let Some(place) = place {
            *place = decision;
        }
    }
    Ok(())
}

/// The entry of the trail. `None`: nothing was changed.
fn note(decided: &Decision) -> Option<Note> {
    let view = recalculated(decided).filter(|view| !view.changes.is_empty())?;
    let after = Applied::Conversion(Box::new(view.conversion.clone()));
    Some(Note {
        action: decided.event.body.kind().name().to_owned(),
        subject: format!("conversion/{}", view.conversion.id),
        before: serde_json::to_value(decided.before.as_ref()?).ok(),
        after: serde_json::to_value(after).ok(),
        event: Some(decided.event.id),
    })
}
