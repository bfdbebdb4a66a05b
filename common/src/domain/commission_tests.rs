//! How much a sale brings, by example: one table per rule.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    AffiliateId, CreateConversion, MAX_AMOUNT, Money, ProgramId, Reason,
    catalog::{
        Affiliate, Affiliation, Approval, CommissionType, GroupOverride, Level, OrgCatalog, OwnRate, Program,
        Rate, Recurrence, Terms,
    },
    commission::{Line, lines, recurs_at},
    versions::Versions,
};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn percent(text: &str) -> Rate {
    Rate::Percentage(decimal(text))
}

/// When the second versions of the rules begin.
fn change() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn commission_type(
    identifier: &str,
    from: Option<DateTime<Utc>>,
    rate: Rate,
    gold: Option<Rate>,
) -> CommissionType {
    let over = gold.map(|rate| GroupOverride {
        group_id: "gold".into(),
        rate,
    });
    CommissionType {
        identifier: identifier.into(),
        title: format!("Title of {identifier}"),
        valid_from: from,
        rate,
        group_overrides: over.into_iter().collect(),
        recurrence: Recurrence::Once,
        count_towards_cap: true,
        retired: false,
    }
}

/// Sellers: 1 (parents 2, 3, 4, 5), 6 in the group, 7 in the group with an own rate, 8 who ignores product rates, 9 with
/// an own amount, 10 (parent 11 not approved, then 4), 12 and 13 parents of each other, 14 who ignores without an own rate.
fn catalog() -> OrgCatalog {
    let mut catalog = OrgCatalog::default();
    let level = |level: i32, from, text| Level {
        level,
        title: format!("Level {level}"),
        valid_from: from,
        percentage: decimal(text),
        retired: false,
    };
    catalog.add_program(Program {
        id: ProgramId(1),
        slug: "program".into(),
        title: "Program".into(),
        currency: "USD".parse().unwrap(),
        is_default: true,
        terms: Versions::always(Terms {
            recurring: false,
            cookie_time: 45,
            recurring_cap: None,
            recurring_period_days: None,
            approval: Approval::Manual,
            default_type: "standard".into(),
        }),
        keyed_leads_only: false,
        retired_at: None,
        types: vec![
            commission_type("standard", Some(change()), percent("12"), Some(percent("25"))),
            commission_type("standard", None, percent("10"), Some(percent("20"))),
            commission_type("low", None, percent("4"), Some(Rate::Fixed(decimal("3")))),
            commission_type("flat", None, Rate::Fixed(decimal("7.5")), None),
            commission_type("new", Some(change()), percent("50"), None),
            commission_type("huge", None, percent("1000"), None),
        ],
        levels: vec![
            level(2, None, "5"),
            level(2, Some(change()), "6"),
            level(3, None, "3"),
            level(4, None, "1"),
        ],
        bonuses: Vec::new(),
    });
    let gold = || Some("gold".to_owned());
    for (id, parent, group, own_rate, ignore_product_rate) in [
        (1, Some(2), None, None, false),
        (2, Some(3), None, None, false),
        (3, Some(4), None, None, false),
        (4, Some(5), None, None, false),
        (5, None, None, None, false),
        (6, None, gold(), None, false),
        (7, None, gold(), Some(percent("15")), false),
        (8, None, gold(), Some(percent("15")), true),
        (9, None, None, Some(Rate::Fixed(decimal("2"))), false),
        (10, Some(11), None, None, false),
        (11, Some(4), None, None, false),
        (12, Some(13), None, None, false),
        (13, Some(12), None, None, false),
        (14, None, None, None, true),
    ] {
        catalog.add_affiliate(Affiliate {
            id: AffiliateId(id),
            slug: format!("affiliate-{id}"),
            firstname: String::new(),
            lastname: String::new(),
            parent: parent.map(AffiliateId),
            groups: Versions::always(group),
            is_deleted: false,
        });
        catalog.add_affiliation(Affiliation {
            program: ProgramId(1),
            affiliate: AffiliateId(id),
            approved: if id == 11 { None } else { Some(true) },
            coupon_folded: None,
            referral_code: None,
            asset_id: None,
            source_id: None,
            rates: Versions::always(own(own_rate, ignore_product_rate)),
        });
    }
    catalog
}

fn own(rate: Option<Rate>, ignore_product_rate: bool) -> OwnRate {
    OwnRate {
        rate,
        ignore_product_rate,
    }
}

fn calculated(seller: i64, create: Value, at: DateTime<Utc>) -> Result<Vec<Line>, Reason> {
    let catalog = catalog();
    let create: CreateConversion = serde_json::from_value(create).unwrap();
    let program = catalog.program(ProgramId(1)).unwrap();
    let affiliation = catalog.affiliation(ProgramId(1), AffiliateId(seller)).unwrap();
    let currency = create.currency.unwrap_or(program.currency);
    lines(&create, affiliation, program, &catalog, at, currency).map_err(|refusal| refusal.reason)
}

/// Affiliate, commission type, sub amount and commission of each line.
fn told(lines: &[Line]) -> Vec<(i64, &str, String, String)> {
    let told = lines.iter().map(|line| {
        let (sub_amount, gross) = (line.sub_amount.normalize(), line.gross.amount());
        (
            line.affiliate.0,
            line.commission_type.as_str(),
            sub_amount.to_string(),
            gross.to_string(),
        )
    });
    told.collect()
}

fn check(name: &str, seller: i64, create: Value, at: DateTime<Utc>, want: &[(i64, &str, &str, &str)]) {
    let lines = calculated(seller, create, at).unwrap();
    let told = told(&lines);
    let told: Vec<_> = told
        .iter()
        .map(|(id, kind, sub, gross)| (*id, *kind, sub.as_str(), gross.as_str()))
        .collect();
    assert_eq!(told, want, "{name}");
}

fn early() -> DateTime<Utc> {
    change() - TimeDelta::days(1)
}

#[test]
fn what_the_request_says_goes_before_the_types() {
    let two = json!([{"sub_amount": "30", "commission_type": "standard"}, {"sub_amount": "50", "commission_type": "low"}]);
    for (name, seller, create, want) in [
        (
            "the program's type",
            5,
            json!({"amount": "100"}),
            vec![(5, "standard", "100", "10")],
        ),
        (
            "`default` is the program's type",
            5,
            json!({"amount": "100", "commission_type": "default"}),
            vec![(5, "standard", "100", "10")],
        ),
        (
            "another type",
            5,
            json!({"amount": "100", "commission_type": "low"}),
            vec![(5, "low", "100", "4")],
        ),
        (
            "a fixed amount",
            5,
            json!({"amount": "3", "commission_type": "flat"}),
            vec![(5, "flat", "3", "7.5")],
        ),
        (
            "an explicit amount",
            5,
            json!({"amount": "100", "commission": "33.333"}),
            vec![(5, "standard", "100", "33.33")],
        ),
        (
            "an explicit amount of zero",
            5,
            json!({"amount": "100", "commission": "0"}),
            vec![(5, "standard", "100", "0")],
        ),
        (
            "explicit lines, whatever the amount",
            5,
            json!({"amount": "999", "lines": two}),
            vec![(5, "standard", "30", "3"), (5, "low", "50", "2")],
        ),
        (
            "an explicit amount before lines",
            5,
            json!({"amount": "100", "commission": "9", "lines": two}),
            vec![(5, "standard", "100", "9")],
        ),
        (
            "a sale of nothing",
            5,
            json!({"amount": "0"}),
            vec![(5, "standard", "0", "0")],
        ),
    ] {
        check(name, seller, create, early(), &want);
    }
}

#[test]
fn the_affiliates_own_rate_goes_before_the_groups_and_that_before_the_types() {
    let two = json!([{"sub_amount": "30", "commission_type": "standard"}, {"sub_amount": "50", "commission_type": "low"}]);
    for (name, seller, create, want) in [
        (
            "the group's override",
            6,
            json!({"amount": "100"}),
            vec![(6, "standard", "100", "20")],
        ),
        (
            "the group's override of another form",
            6,
            json!({"amount": "100", "commission_type": "low"}),
            vec![(6, "low", "100", "3")],
        ),
        (
            "no override of this type",
            6,
            json!({"amount": "100", "commission_type": "flat"}),
            vec![(6, "flat", "100", "7.5")],
        ),
        (
            "the own rate before group and type",
            7,
            json!({"amount": "100"}),
            vec![(7, "standard", "100", "15")],
        ),
        (
            "the own rate on each line",
            7,
            json!({"amount": "0", "lines": two}),
            vec![(7, "standard", "30", "4.5"), (7, "low", "50", "7.5")],
        ),
        (
            "an explicit amount before the own rate",
            7,
            json!({"amount": "100", "commission": "1"}),
            vec![(7, "standard", "100", "1")],
        ),
        (
            "an own fixed amount",
            9,
            json!({"amount": "100"}),
            vec![(9, "standard", "100", "2")],
        ),
        (
            "product rates ignored: no explicit amount",
            8,
            json!({"amount": "100", "commission": "1"}),
            vec![(8, "standard", "100", "15")],
        ),
        (
            "product rates ignored: no lines",
            8,
            json!({"amount": "100", "lines": two}),
            vec![(8, "standard", "100", "15")],
        ),
        (
            "product rates ignored without an own rate",
            14,
            json!({"amount": "100", "commission": "1"}),
            vec![(14, "standard", "100", "10")],
        ),
    ] {
        check(name, seller, create, early(), &want);
    }
}

#[test]
fn levels_pay_the_parents_on_the_same_sub_amount() {
    let lines = json!([{"sub_amount": "30"}, {"sub_amount": "0.1"}]);
    let own = |sub| (10, "standard", sub, "10");
    for (name, seller, create, want) in [
        (
            "parent, grandparent and great-grandparent, and nobody beyond the levels",
            1,
            json!({"amount": "100"}),
            vec![
                (1, "standard", "100", "10"),
                (2, "level-2", "100", "5"),
                (3, "level-3", "100", "3"),
                (4, "level-4", "100", "1"),
            ],
        ),
        (
            "levels are relative to the seller",
            3,
            json!({"amount": "100"}),
            vec![
                (3, "standard", "100", "10"),
                (4, "level-2", "100", "5"),
                (5, "level-3", "100", "3"),
            ],
        ),
        (
            "a parent who is not approved is passed over",
            10,
            json!({"amount": "100"}),
            vec![own("100"), (4, "level-3", "100", "3"), (5, "level-4", "100", "1")],
        ),
        (
            "an explicit amount leaves the levels as they are",
            4,
            json!({"amount": "100", "commission": "50"}),
            vec![(4, "standard", "100", "50"), (5, "level-2", "100", "5")],
        ),
        (
            "each line has its levels, each rounded by itself",
            4,
            json!({"amount": "0", "lines": lines}),
            vec![
                (4, "standard", "30", "3"),
                (5, "level-2", "30", "1.5"),
                (4, "standard", "0.1", "0.01"),
                (5, "level-2", "0.1", "0.01"),
            ],
        ),
        (
            "parents of each other end with the levels",
            12,
            json!({"amount": "100"}),
            vec![
                (12, "standard", "100", "10"),
                (13, "level-2", "100", "5"),
                (12, "level-3", "100", "3"),
                (13, "level-4", "100", "1"),
            ],
        ),
    ] {
        check(name, seller, create, early(), &want);
    }
}

#[test]
fn a_sale_gets_the_rules_of_its_own_time() {
    let (before, after) = (change() - TimeDelta::milliseconds(1), change());
    let long_ago = DateTime::from_timestamp(0, 0).unwrap();
    for (at, seller, want) in [
        (
            long_ago,
            4,
            vec![(4, "standard", "100", "10"), (5, "level-2", "100", "5")],
        ),
        (
            before,
            4,
            vec![(4, "standard", "100", "10"), (5, "level-2", "100", "5")],
        ),
        (
            after,
            4,
            vec![(4, "standard", "100", "12"), (5, "level-2", "100", "6")],
        ),
        (before, 6, vec![(6, "standard", "100", "20")]),
        (after, 6, vec![(6, "standard", "100", "25")]),
    ] {
        check(&at.to_string(), seller, json!({"amount": "100"}), at, &want);
    }
    let new = json!({"amount": "100", "commission_type": "new"});
    assert_eq!(
        calculated(5, new.clone(), before),
        Err(Reason::UnknownCommissionType),
        "not yet"
    );
    check("from then on", 5, new, after, &[(5, "new", "100", "50")]);
}

#[test]
fn a_commission_is_rounded_once_to_the_minor_unit_midpoints_away_from_zero() {
    for (currency, amount, want) in [
        ("USD", "0.04", "0"),
        ("USD", "0.05", "0.01"),
        ("USD", "0.15", "0.02"),
        ("USD", "0.25", "0.03"),
        ("USD", "99.99", "10"),
        ("USD", "0.049999", "0"),
        ("JPY", "4", "0"),
        ("JPY", "5", "1"),
        ("JPY", "15", "2"),
        ("JPY", "25", "3"),
        ("JPY", "500", "50"),
        ("KWD", "0.004", "0"),
        ("KWD", "0.005", "0.001"),
        ("KWD", "0.015", "0.002"),
        ("KWD", "12.345", "1.235"),
    ] {
        let create = json!({"amount": amount, "currency": currency});
        let lines = calculated(5, create, early()).unwrap();
        assert_eq!(
            lines[0].gross,
            Money::rounded(decimal(want), currency.parse().unwrap()),
            "{amount} {currency}"
        );
        assert_eq!(lines[0].gross.amount(), decimal(want), "{amount} {currency}");
    }
}

#[test]
fn amounts_at_the_limits_are_paid_and_beyond_them_refused() {
    let max = MAX_AMOUNT.to_string();
    let tenth = (MAX_AMOUNT / decimal("10")).to_string();
    check(
        "the largest sale",
        5,
        json!({"amount": max}),
        early(),
        &[(5, "standard", &max, "100000000000")],
    );
    check(
        "the largest explicit",
        5,
        json!({"amount": "1", "commission": max}),
        early(),
        &[(5, "standard", "1", &max)],
    );
    let huge = |amount: &str| json!({"amount": amount, "commission_type": "huge"});
    check(
        "the largest calculated",
        5,
        huge(&tenth),
        early(),
        &[(5, "huge", &tenth, &max)],
    );
    for create in [
        huge("100000000000.01"),
        json!({"amount": "1", "commission": "1000000000000.01"}),
        json!({"amount": "1", "commission": "-0.01"}),
        huge("79228162514264337593543950335"),
    ] {
        assert_eq!(
            calculated(5, create.clone(), early()),
            Err(Reason::AmountOutOfRange),
            "{create}"
        );
    }
    let unknown = json!({"amount": "1", "commission_type": "nope"});
    assert_eq!(
        calculated(5, unknown, early()),
        Err(Reason::UnknownCommissionType)
    );
}

#[test]
fn repetitions_keep_their_day_or_take_the_months_last() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    for (first, recurrence, period, want) in [
        (
            "2026-01-31T10:00:00Z",
            Recurrence::Monthly,
            1,
            Some("2026-02-28T10:00:00Z"),
        ),
        (
            "2026-01-31T10:00:00Z",
            Recurrence::Monthly,
            2,
            Some("2026-03-31T10:00:00Z"),
        ),
        (
            "2026-01-31T10:00:00Z",
            Recurrence::Weekly,
            2,
            Some("2026-02-14T10:00:00Z"),
        ),
        (
            "2024-02-29T10:00:00Z",
            Recurrence::Yearly,
            1,
            Some("2025-02-28T10:00:00Z"),
        ),
        (
            "2024-02-29T10:00:00Z",
            Recurrence::Yearly,
            4,
            Some("2028-02-29T10:00:00Z"),
        ),
        ("2024-02-29T10:00:00Z", Recurrence::Once, 1, None),
        ("2024-02-29T10:00:00Z", Recurrence::Yearly, u32::MAX, None),
    ] {
        assert_eq!(
            recurs_at(at(first), recurrence, period),
            want.map(at),
            "{first} {recurrence:?} {period}"
        );
    }
}
