//! The same again: under an `Idempotency-Key` any request, and for who wants it so a sale whose order is taken.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Decisions;
use crate::domain::{
    AttributionFields, Body, CreateConversion, Event, EventId, First, MetaData, Outcome, Reason, Refusal,
    fold_coupon, world::IdempotencyRecord,
};

impl Decisions {
    /// An idempotency key that was used before: the first outcome again, or a conflict. A first use is noted.
    pub(super) fn refuse_repeat(&mut self, event: &Event) -> Result<(), Refusal> {
        let (Some(org), Some(key)) = (event.org, &event.idempotency) else {
            return Ok(());
        };
        let Some(record) = self.world.idempotency.get(&(org, key.key.clone())) else {
            let record = IdempotencyRecord {
                event: event.id,
                hash: key.hash.clone(),
            };
            self.world.idempotency.insert((org, key.key.clone()), record);
            self.effects.idempotency.push((org, key.clone(), event.id));
            return Ok(());
        };
        if record.event == event.id {
            return Ok(());
        }
        let (reason, detail) = if key.repeats(&record.hash) {
            (
                Reason::IdempotentRepeat,
                "the Idempotency-Key repeats an earlier request",
            )
        } else {
            (
                Reason::IdempotencyConflict,
                "the Idempotency-Key was used before for another request",
            )
        };
        let outcome = self.world.events.get(&record.event).cloned();
        Err(Refusal {
            first: Some(Box::new(First::new(record.event, outcome))),
            ..Refusal::new(reason, detail)
        })
    }

    /// A sale that is refused because its order is taken, by the very same sale: where its sender wants it so, its outcome is the
    /// first one's. One that says anything else stays refused, as does one whose first event is not kept any more.
    pub(super) fn or_first_outcome(&self, event: &Event, refusal: Refusal) -> Refusal {
        let (Body::CreateConversion(create), Some(first)) = (&event.body, refusal.first.as_deref()) else {
            return refusal;
        };
        let is_wanted = create.answers_first && refusal.reason == Reason::DuplicateOrder;
        let same = is_wanted
            .then(|| self.first_sale(first.event_id))
            .flatten()
            .is_some_and(|known| is_same(create, known));
        if !same {
            return refusal;
        }
        let id = first.event_id;
        let stored = self.world.events.get(&id);
        let outcome = stored.filter(|stored| matches!(stored, Outcome::Applied(_)));
        let outcome = outcome.or(first.outcome.as_ref()).cloned();
        Refusal {
            first: Some(Box::new(First {
                outcome,
                ..first.clone()
            })),
            ..Refusal::new(
                Reason::IdempotentRepeat,
                format!("it repeats event {id}, which recorded the order"),
            )
        }
    }

    /// What the event asked for that recorded an order: it was loaded, or is of this very batch.
    fn first_sale(&self, id: EventId) -> Option<&CreateConversion> {
        if let Some(known) = self.world.first_sales.get(&id) {
            return Some(known);
        }
        let mut decided = self.decisions.iter().map(|decision| &decision.event);
        match &decided.find(|event| event.id == id)?.body {
            Body::CreateConversion(create) => Some(create),
            _ => None,
        }
    }
}

/// Whether two sales of one order mean the same, field by field, and came with one key. An import has none: it brings what came by
/// any.
fn is_same(repeat: &CreateConversion, first: &CreateConversion) -> bool {
    let is_by_same = repeat.sent_by.is_none() || repeat.sent_by == first.sent_by;
    is_by_same && meaning(repeat) == meaning(first)
}

/// The sale without what says the same in another spelling.
fn meaning(sale: &CreateConversion) -> CreateConversion {
    let mut meaning = sale.clone();
    (meaning.sent_by, meaning.answers_first) = (None, false);
    meaning.attribution = AttributionFields {
        coupon: sale.attribution.coupon.as_deref().map(fold_coupon),
        ..meaning.attribution
    };
    meaning.meta_data = plain(meaning.meta_data);
    meaning.details = plain(meaning.details);
    if let Some(customer) = &mut meaning.customer {
        customer.meta_data = plain(std::mem::take(&mut customer.meta_data));
    }
    meaning
}

fn plain(data: MetaData) -> MetaData {
    data.into_iter()
        .map(|(name, value)| (name, plain_value(value)))
        .collect()
}

/// A number as its text, without zeros that say nothing: a form and a JSON body with the same data are the same.
fn plain_value(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let decimal = Decimal::from_str_exact(&text).or_else(|_exponent| Decimal::from_scientific(&text));
            decimal.map_or(text, |value| value.normalize().to_string()).into()
        }
        Value::Array(list) => list.into_iter().map(plain_value).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name, plain_value(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sale(data: &Value) -> CreateConversion {
        CreateConversion {
            external_id: Some("1".into()),
            amount: "10.0".parse().unwrap(),
            attribution: AttributionFields {
                coupon: Some("JANE10OFF".into()),
                ..AttributionFields::default()
            },
            meta_data: data.as_object().unwrap().clone().into(),
            sent_by: Some(7),
            ..CreateConversion::default()
        }
    }

    #[test]
    fn the_same_sale_is_the_same_in_any_spelling() {
        let first = sale(&json!({"a": "1.5", "b": [1, {"c": 2}]}));
        let mut repeat = sale(&json!({"b": [1.0, {"c": 2e0}], "a": 1.50}));
        repeat.amount = "10".parse().unwrap();
        repeat.attribution.coupon = Some(" jane10off".into());
        repeat.answers_first = true;
        assert!(is_same(&repeat, &first));
    }

    type Change = fn(&mut CreateConversion);

    #[test]
    fn whatever_says_something_else_makes_another_sale() {
        let first = sale(&json!({}));
        let changes: [(&str, Change); 9] = [
            ("amount", |sale| sale.amount = "10.01".parse().unwrap()),
            ("coupon", |sale| {
                sale.attribution.coupon = Some("PETER10".into());
            }),
            ("another code", |sale| {
                sale.attribution.referral_code = Some("nwjinmy".into());
            }),
            ("currency", |sale| sale.currency = Some("EUR".parse().unwrap())),
            ("commission", |sale| sale.commission = Some("1".parse().unwrap())),
            ("type", |sale| sale.commission_type = Some("flat".into())),
            ("meta data", |sale| {
                sale.meta_data.insert("a".into(), Value::Null);
            }),
            ("details", |sale| {
                sale.details.insert("ip".into(), "::1".into());
            }),
            ("key", |sale| sale.sent_by = Some(8)),
        ];
        for (what, change) in changes {
            let mut repeat = first.clone();
            change(&mut repeat);
            assert!(!is_same(&repeat, &first), "{what}");
        }
        let of_no_known_key = CreateConversion {
            sent_by: None,
            ..first.clone()
        };
        assert!(!is_same(&first, &of_no_known_key), "of the version before");
        assert!(is_same(&of_no_known_key, &first), "an import");
    }
}
