//! An affiliate and the programs it takes part in.

use serde_json::{Map, Number, Value};
use toml::{Spanned, de::DeValue};

use super::rate::rate;
use crate::{
    catalog::{
        fields::{Fields, Id},
        file::{Address, Affiliate, Affiliation, Company, Country, Profile},
        problem::declared_at,
    },
    domain::{fold_coupon, spelling::composed},
};

pub(super) fn parse(id: Id, mut fields: Fields<'_>) -> Affiliate {
    let affiliate = Affiliate {
        firstname: fields.required_text("firstname").into_inner(),
        lastname: fields.required_text("lastname").into_inner(),
        email: email(&mut fields),
        parent: fields.text("parent"),
        group_id: fields.text("group"),
        profile: profile(&mut fields),
        affiliations: affiliations(&id, &mut fields),
        id,
    };
    fields.close();
    affiliate
}

fn email(fields: &mut Fields<'_>) -> Option<String> {
    let email = fields.text("email")?;
    let sides = email.get_ref().split_once('@');
    if sides.is_none_or(|(name, host)| name.is_empty() || host.is_empty()) {
        fields.wrong(&email.span(), "email needs text on both sides of an @");
    }
    Some(email.into_inner())
}

fn profile(fields: &mut Fields<'_>) -> Profile {
    let meta_data = fields.entries("meta_data");
    let custom_fields = fields.entries("custom_fields");
    let custom_field_ids = custom_fields.iter().map(|(id, value)| {
        let text = fields.free_text(&format!("custom_fields.{}", id.get_ref()), value);
        (id.clone(), text)
    });
    let custom_field_ids: Vec<_> = custom_field_ids.collect();
    let custom_fields: Map<_, _> = custom_fields
        .into_iter()
        .map(|(id, value)| (id.into_inner(), json(value.get_ref())))
        .collect();
    Profile {
        clears: Profile::FREE.map(|name| fields.clears(name)),
        company: fields.table("company").map(company),
        address: fields.table("address").map(address),
        meta_data: meta_data
            .into_iter()
            .map(|(id, value)| (id.into_inner(), json(value.get_ref())))
            .collect(),
        custom_fields: (!custom_fields.is_empty()).then_some(custom_fields),
        custom_field_ids,
    }
}

fn company(mut fields: Fields<'_>) -> Company {
    let company = Company {
        name: fields.plain_text("name"),
        description: fields.plain_text("description"),
    };
    fields.close();
    company
}

fn address(mut fields: Fields<'_>) -> Address {
    let address = Address {
        line: fields.plain_text("address"),
        second_line: fields.plain_text("address_two"),
        postal_code: fields.plain_text("postal_code"),
        city: fields.plain_text("city"),
        state: fields.plain_text("state"),
        country: fields.table("country").map(country),
    };
    fields.close();
    address
}

fn country(mut fields: Fields<'_>) -> Country {
    let country = Country {
        code: fields.required_text("code").into_inner(),
        name: fields.plain_text("name"),
    };
    fields.close();
    country
}

/// Free data of the operator; days and times become texts.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(boolean) => Value::from(*boolean),
        DeValue::Datetime(at) => Value::from(at.to_string()),
        DeValue::Integer(number) => number_or_text(&number.to_string()),
        DeValue::Float(number) => number_or_text(number.as_str()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
            Value::Object(entries.collect())
        }
    }
}

/// JSON has no hexadecimal and no infinity.
fn number_or_text(text: &str) -> Value {
    text.parse::<Number>()
        .map_or_else(|_| Value::from(text), Value::Number)
}

fn in_one_spelling(code: Spanned<String>) -> Spanned<String> {
    Spanned::new(code.span(), composed(code.into_inner()))
}

fn affiliations(id: &Id, affiliate: &mut Fields<'_>) -> Vec<Affiliation> {
    let things = affiliate.things("programs", |_| format!("affiliation of {:?}", id.get_ref()));
    let parse = |(program, mut fields): (Id, Fields<'_>)| {
        let status = fields.word("status", &["approved", "pending", "disapproved"], "approved");
        let coupon = fields.text("coupon");
        let affiliation = Affiliation {
            program,
            approved: approved(&status),
            coupon_folded: coupon.as_ref().map(|coupon| fold_coupon(coupon.get_ref())),
            coupon,
            referral_code: fields.text("referral_code").map(in_one_spelling),
            asset_id: fields.text("asset_id"),
            source_id: fields.text("source_id"),
            own_rate: rate(&mut fields),
            ignore_product_rate: fields.boolean("ignore_product_rate", false),
        };
        if let (None, Some(source)) = (&affiliation.asset_id, &affiliation.source_id) {
            let span = declared_at(&Spanned::span(source), &fields.span);
            fields.missing(&span, "source_id needs an asset_id");
        }
        fields.close();
        affiliation
    };
    things.into_iter().map(parse).collect()
}

fn approved(status: &str) -> Option<bool> {
    match status {
        "approved" => Some(true),
        "disapproved" => Some(false),
        _ => None,
    }
}
