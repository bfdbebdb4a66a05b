//! An organisation with all that it owns.

use toml::Spanned;

use super::{affiliate, key, program};
use crate::{
    catalog::{
        fields::{Fields, Id},
        file::{CustomField, CustomFieldDefinition, Group, Org},
    },
    db::keys::{MAX_PER_MINUTE, MAX_UNDER_WAY},
};

pub(super) fn parse(id: Id, mut fields: Fields<'_>) -> Org {
    let owner = key::owner(&mut fields);
    let client_id = fields.integer("client_id", 1..=i64::MAX);
    let client_id = client_id.map(|number| Spanned::new(fields.spot("client_id"), number));
    let org = Org {
        title: fields.plain_text("title").unwrap_or_else(|| id.get_ref().clone()),
        affiliates_feature: fields.boolean("affiliates_feature", true),
        client_id,
        events_per_minute: fields.integer("events_per_minute", 1..=MAX_PER_MINUTE),
        events_under_way: fields.integer("events_under_way", 1..=MAX_UNDER_WAY),
        groups: all(&mut fields, "groups", "group", group),
        custom_fields: all(&mut fields, "custom_fields", "custom field", custom_field),
        programs: all(&mut fields, "programs", "program", program::parse),
        affiliates: all(&mut fields, "affiliates", "affiliate", affiliate::parse),
        keys: all(&mut fields, "keys", "key", |name, fields| {
            key::parse(name, fields, owner.as_ref())
        }),
        pixel_keys: all(&mut fields, "pixel_keys", "pixel key", key::parse_pixel),
        id,
    };
    fields.close();
    org
}

/// The things of an organisation's table `name`.
fn all<'a, T>(
    org: &mut Fields<'a>,
    name: &'static str,
    singular: &str,
    parse: impl Fn(Id, Fields<'a>) -> T,
) -> Vec<T> {
    let things = org.things(name, |id| format!("{singular} {id:?}"));
    things.into_iter().map(|(id, fields)| parse(id, fields)).collect()
}

fn group(id: Id, mut fields: Fields<'_>) -> Group {
    let title = fields.plain_text("title").unwrap_or_else(|| id.get_ref().clone());
    fields.close();
    Group { id, title }
}

fn custom_field(id: Id, mut fields: Fields<'_>) -> CustomField {
    let title = fields.plain_text("title").unwrap_or_else(|| id.get_ref().clone());
    let choices = fields.texts("choices");
    let retired = fields.boolean("retired", false);
    fields.close();
    let definition = CustomFieldDefinition { title, choices };
    CustomField {
        id,
        definition,
        retired,
    }
}
