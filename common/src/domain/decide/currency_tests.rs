//! A fixed rate is money of the program's currency, whatever the sale's: all that may happen to such a commission.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    story::{Story, word},
    tests::{catalog_mut, decimal, now},
};
use crate::domain::{
    AffiliateId, Applied, Currency, Outcome, ProgramId,
    catalog::{Approval, GroupOverride, Program, Rate, Recurrence},
    entities::Commission,
    trace::RuleSource,
    versions::Versions,
};

/// A sale by `first` in yen; the program's currency is the dollar.
fn sale(commission: Option<&str>) -> Value {
    json!({"create_conversion": {"external_id": "o1", "attribution": {"coupon": "first"}, "amount": "10000", "currency": "JPY",
        "commission": commission, "occurred_at": now() - TimeDelta::days(1),
        "customer": {"identity": {"id": "c1"}, "external_id": "c1", "email": null, "name": null, "meta_data": {}}}})
}

fn fixed(program: &mut Program) {
    program.types[0].rate = Rate::Fixed(decimal("7.505"));
    program.types[0].recurrence = Recurrence::Monthly;
    program.terms.first.approval = Approval::Immediate;
}

/// Amounts with their currencies.
fn money(story: &Story) -> Vec<String> {
    let shown =
        |commission: &Commission| format!("{} {}", commission.amount.normalize(), commission.currency);
    story.conversion(1).commissions.iter().map(shown).collect()
}

fn sold(commission: Option<&str>) -> Story {
    let mut story = Story::in_program(fixed);
    assert_eq!(word(&story.tell(1, sale(commission))), "applied");
    story
}

#[test]
fn a_fixed_rate_is_paid_in_the_programs_currency_and_levels_in_the_sales() {
    let story = sold(None);
    assert_eq!(money(&story), ["7.51 USD", "500 JPY"]);
    assert_eq!(story.balance(1), "0 7.51 0", "in dollars");
    let rule = &story.conversion(1).trace.rules[0];
    assert_eq!(rule.currency.map(Currency::code), Some("USD"));
    assert_eq!(story.conversion(1).trace.rules[1].currency, None);
    let explicit = sold(Some("99.5"));
    assert_eq!(
        money(&explicit),
        ["100 JPY", "500 JPY"],
        "what the request says is money of the sale"
    );
    assert_eq!(explicit.conversion(1).trace.rules[0].currency, None);
}

/// Who declares the rate, what the rule says it came from, and what it pays.
type Case<'a> = (&'a dyn Fn(&mut Story), RuleSource, &'a str);

#[test]
fn own_rates_and_those_of_groups_too() {
    let own = |story: &mut Story| {
        let catalog = catalog_mut(&mut story.world);
        let mut affiliation = catalog.affiliation(ProgramId(1), AffiliateId(1)).unwrap().clone();
        affiliation.rates.first.rate = Some(Rate::Fixed(decimal("3")));
        catalog.add_affiliation(affiliation);
    };
    let group = |story: &mut Story| {
        let catalog = catalog_mut(&mut story.world);
        let mut affiliate = catalog.affiliate(AffiliateId(1)).unwrap().clone();
        affiliate.groups = Versions::always(Some("gold".into()));
        catalog.add_affiliate(affiliate);
        let mut program = catalog.program(ProgramId(1)).unwrap().clone();
        program.types[0].group_overrides = vec![GroupOverride {
            group_id: "gold".into(),
            rate: Rate::Fixed(decimal("2")),
        }];
        catalog.add_program(program);
    };
    let cases: [Case<'_>; 2] = [
        (&own, RuleSource::OwnRate, "3 USD"),
        (&group, RuleSource::Group, "2 USD"),
    ];
    for (edit, source, want) in cases {
        let mut story = Story::new();
        edit(&mut story);
        story.tell(1, sale(None));
        assert_eq!(money(&story), [want, "500 JPY"]);
        assert_eq!(story.conversion(1).trace.rules[0].source, source);
    }
}

#[test]
fn refunds_take_their_part_of_it_in_its_own_currency() {
    let mut story = sold(None);
    let outcome = story.tell(
        2,
        json!({"refund": {"external_id": "o1", "amount": "3333", "refund_id": null}}),
    );
    let Outcome::Applied(Applied::Refund(view)) = outcome else {
        panic!("{outcome:?}")
    };
    // 7.505 less a third and a bit; 500 less as much.
    assert_eq!(money(&story), ["5 USD", "333 JPY"]);
    assert_eq!(view.deducted, decimal("2.51"), "dollars and not yen");
    story.tell(
        3,
        json!({"update_conversion": {"external_id": "o1", "amount": "6666"}}),
    );
    // The amount changes, the fixed rate does not: half of the sale is left.
    assert_eq!(money(&story), ["3.75 USD", "167 JPY"]);
    story.tell(4, json!({"chargeback": {"external_id": "o1"}}));
    assert_eq!(money(&story), ["0 USD", "0 JPY"]);
    story.tell(5, json!({"chargeback": {"external_id": "o1", "reversed": true}}));
    assert_eq!(story.balance(1), "0 3.75 0");
}

#[test]
fn an_amount_by_hand_and_its_repetition_stay_in_its_currency() {
    let mut story = sold(None);
    story.tell(
        2,
        json!({"edit_commission": {"commission": 1, "amount": "9.999"}}),
    );
    assert_eq!(money(&story), ["10 USD", "500 JPY"]);
    let due = now() + TimeDelta::days(30);
    let recur = json!({"scheduled": {"recur": {"conversion": 1, "commission": 1, "period": 1, "due": due}}});
    assert_eq!(word(&story.tell(3, recur)), "applied");
    assert_eq!(money(&story)[2..], ["10 USD", "500 JPY"]);
    let add = json!({"add_commissions": {"conversion": 1, "lines": [{"sub_amount": "5000"}]}});
    assert_eq!(word(&story.tell(4, add)), "applied");
    assert_eq!(money(&story)[4..], ["7.51 USD", "250 JPY"]);
}

#[test]
fn what_would_change_its_currency_is_not_recalculated() {
    let rate = |story: &mut Story, rate| {
        let catalog = catalog_mut(&mut story.world);
        let mut program = catalog.program(ProgramId(1)).unwrap().clone();
        program.types[0].rate = rate;
        catalog.add_program(program);
    };
    let recalculated = |story: &mut Story, id| {
        let outcome = story.tell(id, json!({"recalculate_commissions": {"conversion": 1}}));
        let Outcome::Applied(Applied::Recalculated(view)) = outcome else {
            panic!("{outcome:?}")
        };
        (view.changes.len(), view.left.other_currency)
    };
    let mut story = sold(None);
    rate(&mut story, Rate::Fixed(decimal("8")));
    assert_eq!(recalculated(&mut story, 2), (1, 0));
    assert_eq!(money(&story), ["8 USD", "500 JPY"]);
    rate(&mut story, Rate::Percentage(decimal("10")));
    assert_eq!(recalculated(&mut story, 3), (0, 1));
    assert_eq!(money(&story), ["8 USD", "500 JPY"]);

    let mut story = Story::new();
    story.tell(1, sale(None));
    assert_eq!(money(&story), ["1000 JPY", "500 JPY"]);
    rate(&mut story, Rate::Percentage(decimal("20")));
    assert_eq!(recalculated(&mut story, 2), (1, 0));
    rate(&mut story, Rate::Fixed(decimal("8")));
    assert_eq!(recalculated(&mut story, 3), (0, 1));
    assert_eq!(money(&story), ["2000 JPY", "500 JPY"]);
}
