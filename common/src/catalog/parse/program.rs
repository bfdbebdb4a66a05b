//! A program with its commission types, levels and bonuses.

use rust_decimal::Decimal;
use serde_json::json;
use strum::VariantNames as _;
use toml::Spanned;

use super::rate::{RATE_SCALE, rate, required_rate};
use crate::{
    catalog::{
        fields::{Fields, Id},
        file::{Bonus, BonusDefinition, CommissionType, Level, Program},
    },
    domain::catalog::{Approval, BonusTarget, GroupOverride, Recurrence},
};

/// Days that a click counts where the file does not say.
const DEFAULT_COOKIE_TIME: i32 = 45;
/// A century: more is a slip of the keyboard.
const MAX_DAYS: i32 = 36_500;
/// The domain pays no more parents than that.
const MAX_LEVEL: i32 = 20;
/// Over which time a bonus counts: the calendar month (seed: REST 1.6, program bonuses).
const BONUS_INTERVALS: &[&str] = &["calmo"];

pub(super) fn parse(id: Id, mut fields: Fields<'_>) -> Program {
    let standard = Spanned::new(fields.span.clone(), "standard".to_owned());
    let approval = fields.word("approval", Approval::VARIANTS, "manual");
    let hold_days = fields.small("hold_days", 0..=MAX_DAYS);
    if (approval == "hold") != fields.has("hold_days") {
        let span = fields.span_of("approval");
        fields.missing(&span, "approval \"hold\" and hold_days go together");
    }
    fields.required("currency");
    let landing_page = landing_page(&mut fields);
    let program = Program {
        title: fields.plain_text("title").unwrap_or_else(|| id.get_ref().clone()),
        is_default: fields.boolean("default", false),
        currency: fields.parsed("currency"),
        currency_symbol: fields.plain_text("currency_symbol"),
        cookie_time: fields
            .small("cookie_time", 0..=MAX_DAYS)
            .unwrap_or(DEFAULT_COOKIE_TIME),
        landing_host: landing_page.as_deref().and_then(host),
        landing_page,
        hosts: hosts(&mut fields),
        keyed_leads_only: fields.boolean("keyed_leads_only", false),
        retired: fields.boolean("retired", false),
        category: category(&mut fields),
        recurring: fields.boolean("recurring", false),
        recurring_cap: fields.small("recurring_cap", 1..=i32::MAX),
        recurring_period_days: fields.small("recurring_period_days", 1..=MAX_DAYS),
        approval,
        hold_days,
        default_type: fields.text("default_type").unwrap_or(standard),
        assets: fields.more_texts("assets"),
        types: commission_types(&mut fields),
        levels: levels(&mut fields),
        bonuses: bonuses(&mut fields),
        id,
    };
    fields.close();
    program
}

/// Its host finds the program of Affitor's clicks, so it must have one.
fn landing_page(fields: &mut Fields<'_>) -> Option<String> {
    let page = fields.text("landing_page")?;
    let rest = page
        .get_ref()
        .strip_prefix("https://")
        .or_else(|| page.get_ref().strip_prefix("http://"));
    if !rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '[')) {
        fields.wrong(
            &page.span(),
            "landing_page must start with https:// or http:// and a host",
        );
    }
    Some(page.into_inner())
}

/// The host of a page, without its port.
fn host(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("://")?;
    let end = rest.find(['/', ':', '?', '#']).unwrap_or(rest.len());
    rest.get(..end).map(str::to_lowercase)
}

/// Further hosts by which clicks without a key find the program (seed: Affitor).
fn hosts(fields: &mut Fields<'_>) -> Vec<Spanned<String>> {
    let hosts = fields.more_texts("hosts");
    for host in &hosts {
        let is_host = |c: char| c.is_alphanumeric() && !c.is_uppercase() || matches!(c, '.' | '-');
        if !host.get_ref().chars().all(is_host) {
            fields.wrong(
                &host.span(),
                "hosts are names in lower case, without scheme, port and path",
            );
        }
    }
    hosts
}

fn category(fields: &mut Fields<'_>) -> Option<String> {
    let mut fields = fields.table("category")?;
    let category = json!({
        "id": fields.integer("id", 1..=i64::MAX),
        "identifier": fields.required_text("identifier"),
        "title": fields.required_text("title"),
        "is_admitad_suitable": fields.boolean("is_admitad_suitable", false),
    });
    fields.close();
    Some(category.to_string())
}

fn commission_types(program: &mut Fields<'_>) -> Vec<CommissionType> {
    let of = program.what.clone();
    let things = program.things("types", |id| format!("commission type {id:?} of {of}"));
    let parse = |(id, mut fields): (Id, Fields<'_>)| {
        let (groups, group_overrides) = group_overrides(&mut fields).into_iter().unzip();
        let parsed = CommissionType {
            title: fields.plain_text("title").unwrap_or_else(|| id.get_ref().clone()),
            rate: required_rate(&mut fields),
            recurrence: fields.word("recurrence", Recurrence::VARIANTS, Recurrence::Once.name()),
            count_towards_cap: fields.boolean("count_towards_cap", true),
            retired: fields.boolean("retired", false),
            group_overrides,
            groups,
            id,
        };
        fields.close();
        parsed
    };
    things.into_iter().map(parse).collect()
}

/// Sorted by group, so that the order in the file makes no new version.
fn group_overrides(of_type: &mut Fields<'_>) -> Vec<(Id, GroupOverride)> {
    let of = of_type.what.clone();
    let things = of_type.things("groups", |id| format!("override for group {id:?} of {of}"));
    of_type.may_clear("groups");
    let parse = |(id, mut fields): (Id, Fields<'_>)| {
        let rate = required_rate(&mut fields);
        fields.close();
        let group_id = id.get_ref().clone();
        rate.map(|rate| (id, GroupOverride { group_id, rate }))
    };
    let mut overrides: Vec<_> = things.into_iter().filter_map(parse).collect();
    overrides.sort_by(|(one, _), (other, _)| one.cmp(other));
    overrides
}

fn levels(program: &mut Fields<'_>) -> Vec<Level> {
    let of = program.what.clone();
    let things = program.things("levels", |id| format!("level {id:?} of {of}"));
    let parse = |(id, mut fields): (Id, Fields<'_>)| {
        let number = id
            .get_ref()
            .strip_prefix("level-")
            .and_then(|number| number.parse::<i32>().ok());
        let number = number
            .filter(|number| (2..=MAX_LEVEL).contains(number) && format!("level-{number}") == *id.get_ref());
        if number.is_none() {
            fields.wrong(
                &id.span(),
                &format!("levels are called level-2 to level-{MAX_LEVEL}"),
            );
        }
        fields.required("percentage");
        let title = fields.plain_text("title");
        let percentage = fields.decimal("percentage", Decimal::ONE_HUNDRED, RATE_SCALE);
        let retired = fields.boolean("retired", false);
        fields.close();
        let number = number?;
        Some(Level {
            id,
            number,
            title: title.unwrap_or_else(|| format!("Level {number}")),
            percentage: percentage.unwrap_or_default(),
            retired,
        })
    };
    let mut levels: Vec<_> = things.into_iter().filter_map(parse).collect();
    levels.sort_by_key(|level| level.number);
    levels
}

fn bonuses(program: &mut Fields<'_>) -> Vec<Bonus> {
    let of = program.what.clone();
    let things = program.things("bonuses", |id| format!("bonus {id:?} of {of}"));
    let parse = |(id, mut fields): (Id, Fields<'_>)| {
        for name in ["target_type", "target", "interval"] {
            fields.required(name);
        }
        if !fields.has("percentage") && !fields.has("fixed") {
            fields.missing(&fields.span, "percentage or fixed is missing");
        }
        let definition = BonusDefinition {
            title: fields.plain_text("title").unwrap_or_else(|| id.get_ref().clone()),
            target_type: fields.word(
                "target_type",
                BonusTarget::VARIANTS,
                BonusTarget::ConversionCount.name(),
            ),
            target: fields.integer("target", 1..=1_000_000_000).unwrap_or_default(),
            interval: fields.word("interval", BONUS_INTERVALS, "calmo"),
            rate: rate(&mut fields),
            active: fields.boolean("active", true),
            start_date: fields.date("start_date"),
            end_date: fields.date("end_date"),
        };
        let retired = fields.boolean("retired", false);
        fields.close();
        Bonus {
            id,
            definition,
            retired,
        }
    };
    things.into_iter().map(parse).collect()
}
