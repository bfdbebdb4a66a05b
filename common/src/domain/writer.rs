//! Which of two changes of a field is the later one, in whatever order they are delivered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, EventId};

/// The event that set a field, and when. Of two the one with the later time counts, of one time the one with the later id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writer {
    pub at: DateTime<Utc>,
    pub event: EventId,
}

impl Writer {
    /// `told`: the time that the change tells of itself, which counts where a key vouches for it. Else it is when the event came in.
    pub fn new(event: &Event, told: Option<DateTime<Utc>>) -> Self {
        let told = told.filter(|_| event.authenticated);
        Self {
            at: told.unwrap_or_else(|| event.id.time()),
            event: event.id,
        }
    }

    /// Of an event that tells no time.
    pub fn of(event: EventId) -> Self {
        Self {
            at: event.time(),
            event,
        }
    }

    /// Whether its change counts after that of `before`, if there was one.
    pub fn is_after(self, before: Option<Self>) -> bool {
        before.is_none_or(|before| before < self)
    }
}

/// The times that events told of the fields that they set, as a row holds them beside the events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToldTimes(BTreeMap<String, Told>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    event: EventId,
    at: DateTime<Utc>,
}

impl ToldTimes {
    /// Of those fields whose event told a time; `None` where none did.
    pub fn where_told<const N: usize>(fields: [(&str, Option<Writer>); N]) -> Option<Self> {
        Self::of(fields.into_iter().filter_map(|(field, writer)| {
            let writer = writer.filter(|writer| writer.at != writer.event.time())?;
            Some((field, writer))
        }))
    }

    /// Of all fields that were set; `None` where none was.
    pub fn of_all<const N: usize>(fields: [(&str, Option<Writer>); N]) -> Option<Self> {
        Self::of(
            fields
                .into_iter()
                .filter_map(|(field, writer)| Some((field, writer?))),
        )
    }

    fn of<'a>(fields: impl Iterator<Item = (&'a str, Writer)>) -> Option<Self> {
        let told = |Writer { at, event }| Told { event, at };
        let all: BTreeMap<String, Told> = fields
            .map(|(field, writer)| (field.to_owned(), told(writer)))
            .collect();
        (!all.is_empty()).then_some(Self(all))
    }

    /// Who set the field, where the row has no column for the event.
    pub fn writer(&self, field: &str) -> Option<Writer> {
        let Told { event, at } = *self.0.get(field)?;
        Some(Writer { at, event })
    }

    /// Who set the field that the row says was set by `event`. A process of an earlier version writes the event alone.
    pub fn writer_of(told: Option<&Self>, field: &str, event: Option<EventId>) -> Option<Writer> {
        let event = event?;
        let noted = told.and_then(|told| told.writer(field));
        Some(
            noted
                .filter(|noted| noted.event == event)
                .unwrap_or_else(|| Writer::of(event)),
        )
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(millis: u128, number: u128) -> EventId {
        EventId(Uuid::from_u128(millis << 80 | 7 << 76 | number))
    }

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn the_later_time_counts_then_the_later_id() {
        let early = Writer::of(id(1_000, 9));
        let late = Writer::of(id(2_000, 1));
        assert_eq!((early.at, late.at), (second(1), second(2)));
        assert!(late.is_after(Some(early)) && !early.is_after(Some(late)));
        assert!(early.is_after(None) && !early.is_after(Some(early)));
        let told = Writer {
            at: second(3),
            ..early
        };
        assert!(told.is_after(Some(late)));
        let same = Writer {
            at: second(3),
            event: id(500, 1),
        };
        assert!(told.is_after(Some(same)), "its id is the later one");
    }

    #[test]
    fn a_row_holds_the_times_that_were_told() {
        let plain = Writer::of(id(1_000, 1));
        let told = Writer {
            at: second(9),
            event: id(2_000, 2),
        };
        assert_eq!(ToldTimes::where_told([("a", Some(plain)), ("b", None)]), None);
        let stored = ToldTimes::where_told([("a", Some(plain)), ("b", Some(told))]);
        let stored = serde_json::to_value(&stored).unwrap();
        assert_eq!(
            stored,
            serde_json::json!({"b": {"event": told.event, "at": "1970-01-01T00:00:09Z"}})
        );
        let stored: ToldTimes = serde_json::from_value(stored).unwrap();
        let found = |field, event| ToldTimes::writer_of(Some(&stored), field, event);
        assert_eq!(found("a", Some(plain.event)), Some(plain));
        assert_eq!(found("b", Some(told.event)), Some(told));
        assert_eq!(found("b", None), None);
        assert_eq!(
            found("b", Some(plain.event)),
            Some(plain),
            "an earlier version has set the field since"
        );
        assert_eq!(ToldTimes::writer_of(None, "a", Some(plain.event)), Some(plain));
        let all = ToldTimes::of_all([("a", Some(plain)), ("b", None)]).unwrap();
        assert_eq!((all.writer("a"), all.writer("b")), (Some(plain), None));
    }
}
