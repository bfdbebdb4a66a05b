//! A program that is retired takes nothing new, and what there is of it goes on: one example for each.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    examples::{PROGRAM, in_dialect, with_affiliate, with_click, with_program},
    people_tests::{click, create, lead},
    story::{Story, word},
    tests::{catalog_mut, decimal, now, refund, sale, statuses, update, world},
    *,
};
use crate::domain::{
    ConversionStatus, Dialect, ProgramId,
    catalog::{Program, Recurrence},
};

fn retired_at(world: &mut World, at: Option<DateTime<Utc>>) {
    let catalog = catalog_mut(world);
    let mut program = catalog.program(PROGRAM).unwrap().clone();
    program.retired_at = at;
    catalog.add_program(program);
}

#[test]
fn nothing_new_comes_to_a_retired_program() {
    let mut world = world();
    let name = with_click(&mut world, 50, 1, TimeDelta::days(1));
    retired_at(&mut world, Some(now()));
    let events = |received: DateTime<Utc>| {
        let mut events = vec![
            sale(1, "o1", "first", "100"),
            click(2, "first", |_| {}),
            lead(3, &[&name], Some("c1")),
            create(4, "c2", "first"),
        ];
        for incoming in &mut events {
            incoming.event.received_at = received;
        }
        events
    };
    let decided = decide(events(now()), world.clone()).unwrap();
    assert_eq!(statuses(&decided), ["program_retired"; 4]);
    let earlier = now() - TimeDelta::milliseconds(1);
    let decided = decide(events(earlier), world).unwrap();
    assert_eq!(
        statuses(&decided),
        ["applied"; 4],
        "what came before it was retired"
    );
}

#[test]
fn what_also_leads_elsewhere_falls_through() {
    let mut world = world();
    let mut other = catalog_mut(&mut world).program(PROGRAM).unwrap().clone();
    (other.id, other.is_default) = (ProgramId(2), false);
    catalog_mut(&mut world).add_program(other);
    with_affiliate(&mut world, ProgramId(2), 9, "both", |_| {});
    with_affiliate(&mut world, PROGRAM, 9, "both", |_| {});
    retired_at(&mut world, Some(now()));
    let program =
        |decided: &Decisions, order| decided.world.conversion_of(tests::ORG, order).unwrap().program;
    let mut by_code = sale(1, "o1", "first", "100");
    by_code = examples::edited(by_code, |create| {
        create.attribution.referral_code = Some("both".into());
    });
    let decided = decide(vec![by_code], world.clone()).unwrap();
    assert_eq!(statuses(&decided), ["applied"]);
    assert_eq!(
        program(&decided, "o1"),
        ProgramId(2),
        "the affiliate's id serves as code in both"
    );
    let decided = decide(vec![click(2, "both", |_| {})], world).unwrap();
    assert_eq!(statuses(&decided), ["applied"]);
}

#[test]
fn what_there_is_of_a_retired_program_goes_on() {
    let decided = decide(vec![sale(1, "o1", "first", "100")], world()).unwrap();
    let mut world = decided.world;
    retired_at(&mut world, Some(now()));
    let edit = json!({"edit_commission": {"commission": 1, "approved": true}});
    let add = json!({"add_commissions": {"conversion": 1, "lines": [{"sub_amount": "10"}]}});
    let told = |n, body| tests::event(n, serde_json::from_value(body).unwrap());
    let events = vec![
        update(2, "o1", Some("200"), Some(ConversionStatus::Approved)),
        refund(3, "o1", Some("50")),
        in_dialect(told(4, edit), Dialect::Rest),
        in_dialect(told(5, add), Dialect::Rest),
    ];
    let decided = decide(events, world).unwrap();
    assert_eq!(statuses(&decided), ["applied"; 4]);
}

#[test]
fn what_recurs_ends_with_its_program_and_not_with_its_type() {
    let start = now() - TimeDelta::days(40);
    let due = start.checked_add_months(chrono::Months::new(1)).unwrap();
    let monthly = |program: &mut Program| program.types[0].recurrence = Recurrence::Monthly;
    let subscribed = |edit: &dyn Fn(&mut Program)| {
        let mut story = Story::in_program(monthly);
        let sold = json!({"create_conversion": {
            "external_id": "o1", "attribution": {"coupon": "first"}, "amount": "100", "occurred_at": start,
            "customer": {"identity": {"id": "c1"}, "external_id": "c1", "email": null, "name": null, "meta_data": {}},
        }});
        assert_eq!(word(&story.tell(1, sold)), "applied");
        story.world = with_program(story.world, |program| edit(program));
        let recur =
            json!({"scheduled": {"recur": {"conversion": 1, "commission": 1, "period": 1, "due": due}}});
        let outcome = story.tell(2, recur);
        (word(&outcome).to_owned(), story.schedules.len())
    };
    let retired = |at: DateTime<Utc>| move |program: &mut Program| program.retired_at = Some(at);
    assert_eq!(
        subscribed(&retired(due)),
        ("recurrence_ended".to_owned(), 1),
        "nothing follows"
    );
    let after = due + TimeDelta::milliseconds(1);
    assert_eq!(
        subscribed(&retired(after)),
        ("applied".to_owned(), 2),
        "due before it was retired"
    );
    let without_type = |program: &mut Program| {
        let mut retired = program.types[0].clone();
        (retired.valid_from, retired.retired) = (Some(start + TimeDelta::days(1)), true);
        retired.rate = crate::domain::catalog::Rate::Percentage(decimal("10"));
        program.types.push(retired);
    };
    assert_eq!(
        subscribed(&without_type),
        ("applied".to_owned(), 2),
        "the type is only not offered any more"
    );
}
