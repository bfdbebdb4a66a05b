//! Bonuses, by example.

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    story::{Story, word},
    tests::{ORG, decimal},
};
use crate::domain::{
    Applied, EventId, Outcome, ProgramId,
    catalog::{Approval, Bonus, BonusTarget, Rate},
    entities::{CommissionKind, MonthlySales},
};

fn bonus(target_type: BonusTarget, target: &str, rate: Rate) -> Bonus {
    Bonus {
        identifier: "sales-bonus".into(),
        title: "Sales bonus".into(),
        target_type,
        target: decimal(target),
        rate,
        active: true,
        start_date: None,
        end_date: None,
        declared_at: None,
        retired_at: None,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn due() -> Value {
    json!({"scheduled": {"bonus": {"program": 1, "bonus": "sales-bonus", "affiliate": 2, "month": "2026-08-01"}}})
}

/// August: three conversions of 250 dollars and 1000 yen together.
fn august(awarded: bool) -> MonthlySales {
    MonthlySales {
        month: day("2026-08-01"),
        conversions: 3,
        amounts: vec![
            ("USD".parse().unwrap(), decimal("250")),
            ("JPY".parse().unwrap(), decimal("1000")),
        ],
        awarded,
        given: None,
    }
}

fn with_bonus(bonus: Bonus, sales: &[(u128, MonthlySales)]) -> Story {
    let mut story = Story::in_program(|program| {
        program.terms.first.approval = Approval::Immediate;
        program.bonuses.push(bonus);
    });
    let of_event = |(id, sales): &(u128, MonthlySales)| (EventId(Uuid::from_u128(*id)), sales.clone());
    story.world.monthly_sales = sales.iter().map(of_event).collect();
    story
}

#[test]
fn a_bonus_needs_its_target_and_its_dates() {
    use BonusTarget::{ConversionAmount, ConversionCount};
    let five = Rate::Fixed(decimal("5"));
    let dated = |start: &str, end: &str| Bonus {
        start_date: Some(day(start)),
        end_date: Some(day(end)),
        ..bonus(ConversionCount, "1", five)
    };
    let inactive = Bonus {
        active: false,
        ..bonus(ConversionCount, "1", five)
    };
    let retired = |at: &str| Bonus {
        retired_at: Some(at.parse().unwrap()),
        ..bonus(ConversionCount, "1", five)
    };
    let declared = |at: &str| Bonus {
        declared_at: Some(at.parse().unwrap()),
        ..bonus(ConversionCount, "1", five)
    };
    for (bonus, want) in [
        (declared("2026-08-31T23:59:59Z"), "applied"),
        (declared("2026-09-01T00:00:00Z"), "target_missed"),
        (retired("2026-08-31T23:59:59Z"), "target_missed"),
        (retired("2026-09-01T00:00:00Z"), "applied"),
        (bonus(ConversionCount, "3", five), "applied"),
        (bonus(ConversionCount, "4", five), "target_missed"),
        (bonus(ConversionAmount, "250", five), "applied"),
        (bonus(ConversionAmount, "250.01", five), "target_missed"),
        (inactive, "target_missed"),
        (dated("2026-08-31", "2026-12-31"), "applied"),
        (dated("2026-09-01", "2026-12-31"), "target_missed"),
        (dated("2026-01-01", "2026-08-01"), "applied"),
        (dated("2026-01-01", "2026-07-31"), "target_missed"),
        (
            Bonus {
                identifier: "other".into(),
                ..bonus(ConversionCount, "1", five)
            },
            "target_missed",
        ),
    ] {
        let mut story = with_bonus(bonus.clone(), &[(1, august(false))]);
        assert_eq!(word(&story.tell(1, due())), want, "{bonus:?}");
        let given = usize::from(want == "applied");
        assert_eq!(
            (
                story.transfers.len(),
                story.awards.len(),
                story.world.bonuses.len()
            ),
            (given, given, given)
        );
    }
}

#[test]
fn a_bonus_is_given_once_and_waits_for_a_person() {
    let fixed = bonus(BonusTarget::ConversionCount, "1", Rate::Fixed(decimal("5")));
    let mut story = with_bonus(fixed, &[(1, august(false)), (2, august(true))]);
    assert_eq!(word(&story.tell(1, due())), "applied");
    assert_eq!(
        story.balance(2),
        "5 0 0",
        "pending, although the program approves at once"
    );
    assert_eq!(word(&story.tell(2, due())), "target_missed", "it was given");
    assert_eq!(word(&story.tell(3, due())), "target_missed", "nothing was sold");
    let edit =
        |change: Value| json!({"edit_commission": {"commission": 1, "approved": true, "amount": change}});
    let unseen = story.tell_as(4, edit("6".into()), |event| {
        event.program_scope = Some(ProgramId(1));
    });
    assert_eq!(word(&unseen), "unknown_commission");
    assert_eq!(word(&story.tell(5, edit("6".into()))), "applied");
    assert_eq!(story.balance(2), "0 6 0");
    assert_eq!(word(&story.tell(6, edit("-1".into()))), "amount_out_of_range");
    let (org, bonus) = story.world.bonuses.values().next().unwrap();
    assert_eq!(
        (*org, bonus.kind, bonus.approved, bonus.amount),
        (ORG, CommissionKind::Bonus, Some(true), bonus.gross)
    );
}

#[test]
fn one_batch_gives_a_bonus_once() {
    let fixed = bonus(BonusTarget::ConversionCount, "1", Rate::Fixed(decimal("5")));
    let story = with_bonus(fixed, &[(1, august(false)), (2, august(false))]);
    let body = |id| super::tests::event(id, serde_json::from_value(due()).unwrap());
    let decided = super::decide(vec![body(1), body(2)], story.world).unwrap();
    assert_eq!(super::tests::statuses(&decided), ["applied", "target_missed"]);
    assert_eq!(decided.effects.bonus_awards.len(), 1);
}

#[test]
fn a_percentage_bonus_is_paid_in_each_currency() {
    let percent = bonus(
        BonusTarget::ConversionCount,
        "1",
        Rate::Percentage(decimal("2.5")),
    );
    let mut story = with_bonus(percent, &[(1, august(false))]);
    let outcome = story.tell(1, due());
    let Outcome::Applied(Applied::Commissions(given)) = outcome else {
        panic!("{outcome:?}")
    };
    let given: Vec<_> = given
        .iter()
        .map(|commission| {
            (
                commission.kind.as_str(),
                commission.commission_name.as_str(),
                commission.amount,
                commission.currency.code(),
                commission.conversion,
            )
        })
        .collect();
    assert_eq!(
        given,
        [
            ("bonus", "Sales bonus", decimal("6.25"), "USD", None),
            ("bonus", "Sales bonus", decimal("25"), "JPY", None),
        ]
    );
}
