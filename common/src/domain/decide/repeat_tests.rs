//! Sales that come again, for who wants the first answer.

use super::{
    tests::{ORG, sale, update, world},
    *,
};
use crate::domain::{CreateConversion, First, ProgramId, Refusal};

const KEY: i64 = 7;

/// A sale by a key that wants repeats answered as they were first.
fn wanted(n: u128, coupon: &str, amount: &str) -> Incoming {
    let mut incoming = sale(n, "o1", coupon, amount);
    let create = create_of(&mut incoming);
    (create.sent_by, create.answers_first) = (Some(KEY), true);
    incoming
}

fn create_of(incoming: &mut Incoming) -> &mut CreateConversion {
    match &mut incoming.event.body {
        Body::CreateConversion(create) => create,
        other => panic!("{other:?}"),
    }
}

fn refusal(outcome: &Outcome) -> &Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn first(outcome: &Outcome) -> &First {
    refusal(outcome).first.as_deref().unwrap()
}

#[test]
fn the_same_sale_has_the_first_outcome_and_another_is_a_duplicate() {
    let mut by_another_key = wanted(5, "first", "100");
    create_of(&mut by_another_key).sent_by = Some(8);
    let mut unwanted = wanted(6, "first", "100");
    create_of(&mut unwanted).answers_first = false;
    let events = vec![
        wanted(1, "first", "100"),
        wanted(2, " FIRST", "100.00"),
        wanted(3, "first", "101"),
        wanted(4, "second", "100"),
        by_another_key,
        unwanted,
    ];
    let decided = decide(events, world()).unwrap();
    let outcomes: Vec<_> = decided
        .decisions
        .iter()
        .map(|decision| &decision.outcome)
        .collect();
    let words: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.reason().unwrap_or("applied"))
        .collect();
    assert_eq!(
        words,
        [
            "applied",
            "idempotent_repeat",
            "duplicate_order",
            "duplicate_order",
            "duplicate_order",
            "duplicate_order"
        ]
    );
    let id = decided.decisions[0].event.id;
    assert_eq!(first(outcomes[1]).event_id, id);
    assert_eq!(first(outcomes[1]).outcome.as_ref(), Some(outcomes[0]));
    assert!(outcomes[2..].iter().all(|outcome| first(outcome).event_id == id));
    assert_eq!(
        first(outcomes[3]).coupon.as_deref(),
        Some("first"),
        "by which it was recorded"
    );
    assert_eq!(decided.world.conversions.len(), 1);
}

/// As the events of an earlier batch are loaded.
#[test]
fn the_first_outcome_is_as_it_was_then() {
    let decided = decide(
        vec![wanted(1, "first", "100"), update(2, "o1", Some("50"), None)],
        world(),
    )
    .unwrap();
    let stored = decided.decisions[0].outcome.clone();
    let mut recorded = decided.world;
    let known = create_of(&mut wanted(1, "first", "100")).clone();
    let told = |world: World, incoming: Incoming| {
        let decided = decide(vec![incoming], world).unwrap();
        decided.decisions.into_iter().next().unwrap().outcome
    };
    let forgotten = told(recorded.clone(), wanted(3, "first", "100"));
    assert_eq!(
        forgotten.reason(),
        Some("duplicate_order"),
        "nobody can tell whether it is the same"
    );
    recorded.first_sales.insert(decided.decisions[0].event.id, known);
    let again = told(recorded.clone(), wanted(3, "first", "100"));
    assert_eq!(again.reason(), Some("idempotent_repeat"));
    assert_eq!(first(&again).outcome.as_ref(), Some(&stored), "100, not 50");
    let other = told(recorded.clone(), wanted(4, "first", "50"));
    assert_eq!(other.reason(), Some("duplicate_order"));
    let mut of_another_program = wanted(5, "first", "100");
    of_another_program.event.program_scope = Some(ProgramId(9));
    let hidden = told(recorded, of_another_program);
    assert_eq!(hidden.reason(), Some("duplicate_order"));
    assert_eq!(
        refusal(&hidden).first,
        None,
        "who may not see it learns only that the id is taken"
    );
}

#[test]
fn an_import_brings_what_is_there_by_any_key() {
    let mut imported = wanted(2, "first", "100");
    create_of(&mut imported).sent_by = None;
    let decided = decide(vec![wanted(1, "first", "100"), imported], world()).unwrap();
    assert_eq!(decided.decisions[1].outcome.reason(), Some("idempotent_repeat"));
    // What nobody vouched for is still replaced, and no repetition.
    let mut unsigned = wanted(1, "first", "100");
    unsigned.event.authenticated = false;
    let decided = decide(vec![unsigned, wanted(2, "first", "100")], world()).unwrap();
    assert_eq!(decided.decisions[1].outcome.reason(), None);

    assert!(decided.world.conversion_of(ORG, "o1").unwrap().authenticated);
}
