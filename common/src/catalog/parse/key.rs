//! API keys and pixel keys. A key in clear is hashed at once.

use secrecy::SecretString;
use strum::IntoEnumIterator as _;
use toml::Spanned;

use crate::{
    catalog::{
        fields::{Fields, Id},
        file::{Key, PixelKey},
        key_hash,
    },
    db::keys::{self, DEFAULT_RATE_PER_MINUTE, Repeats, Scope, Timezone, UnknownRepeats},
};

/// Shorter keys can be guessed.
const MIN_KEY_CHARS: usize = 8;

/// Whose a key is.
pub(super) struct Owner {
    id: String,
    name: String,
}

pub(super) fn owner(fields: &mut Fields<'_>) -> Option<Owner> {
    let mut fields = fields.table("owner")?;
    let id = fields.required_text("id").into_inner();
    let name = fields.required_text("name").into_inner();
    fields.close();
    Some(Owner { id, name })
}

/// `default_owner` is the organisation's.
pub(super) fn parse(name: Id, mut fields: Fields<'_>, default_owner: Option<&Owner>) -> Key {
    let own = owner(&mut fields);
    let owner = own.as_ref().or(default_owner);
    if owner.is_none() && !fields.has("owner") {
        fields.missing(&fields.span, "owner is missing, here or at the organisation");
    }
    let (hash, hint) = hash(&mut fields);
    fields.required("scopes");
    let called = fields.plain_text("name");
    let key = Key {
        hash,
        hint,
        called: called.unwrap_or_else(|| name.get_ref().clone()),
        scopes: scopes(&mut fields),
        program: fields.text("program"),
        owner: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
        owner_id: owner.map(|owner| owner.id.clone()).unwrap_or_default(),
        rate_per_minute: fields
            .small("rate_per_minute", 1..=i32::MAX)
            .unwrap_or(DEFAULT_RATE_PER_MINUTE),
        timezone: timezone(&mut fields),
        repeats: repeats(&mut fields),
        name,
    };
    fields.close();
    key
}

/// Hash and hint of `key` or `key_sha256`. A hash tells nothing to recognise the key by: its hint may stand beside it.
fn hash(fields: &mut Fields<'_>) -> (String, String) {
    let clear = fields.text("key");
    let hashed = fields.text("key_sha256");
    let hint = fields.plain_text("hint");
    match (clear, hashed) {
        (Some(clear), None) => {
            let key = clear.get_ref();
            if key.chars().count() < MIN_KEY_CHARS {
                fields.wrong(
                    &clear.span(),
                    &format!("key is shorter than {MIN_KEY_CHARS} characters"),
                );
            } else if keys::is_mistyped(key) {
                fields.wrong(&clear.span(), "key is mistyped: its check characters do not fit");
            }
            if fields.declares("hint") {
                fields.wrong(&fields.span_of("hint"), "hint goes with key_sha256");
            }
            (key_hash::in_hex(key), keys::hint(key))
        }
        (None, Some(hashed)) => {
            let hash = hashed.get_ref().to_ascii_lowercase();
            if hex::decode(&hash).map_or(0, |bytes| bytes.len()) != 32 {
                fields.wrong(&hashed.span(), "key_sha256 must be 64 hexadecimal digits");
            }
            let short = || format!("sha256:{}", hash.chars().take(8).collect::<String>());
            let hint = hint.unwrap_or_else(short);
            (hash, hint)
        }
        _ => {
            if fields.has("key") == fields.has("key_sha256") {
                fields.wrong(&fields.span, "exactly one of key and key_sha256 is needed");
            }
            (String::new(), String::new())
        }
    }
}

fn timezone(fields: &mut Fields<'_>) -> Timezone {
    let Some(name) = fields.text("timezone") else {
        return Timezone::default();
    };
    let zone = name.get_ref().parse::<Timezone>();
    zone.unwrap_or_else(|error| {
        fields.wrong(&name.span(), &format!("timezone {error}"));
        Timezone::default()
    })
}

fn repeats(fields: &mut Fields<'_>) -> Repeats {
    let Some(name) = fields.text("repeats") else {
        return Repeats::default();
    };
    name.get_ref().parse().unwrap_or_else(|error: UnknownRepeats| {
        fields.wrong(&name.span(), &error.to_string());
        Repeats::default()
    })
}

fn scopes(fields: &mut Fields<'_>) -> Vec<Scope> {
    let texts = fields.texts("scopes");
    if texts.is_empty() && fields.has("scopes") {
        fields.wrong(&fields.span_of("scopes"), "scopes names no scope");
    }
    let mut scopes = Vec::new();
    for text in texts {
        match (text.get_ref().as_str(), text.get_ref().parse::<Scope>()) {
            ("all", _) => scopes.extend(Scope::iter()),
            (_, Ok(scope)) => scopes.push(scope),
            (_, Err(error)) => fields.wrong(&text.span(), &error.to_string()),
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

pub(super) fn parse_pixel(id: Id, mut fields: Fields<'_>) -> PixelKey {
    let secret = fields.required_text("secret");
    let address_ranges = fields.texts("address_ranges");
    for range in address_ranges.iter().filter(|range| !is_network(range.get_ref())) {
        let message =
            "address_ranges holds networks such as 192.0.2.0/24 or 2001:db8::/32, zero after the prefix";
        fields.wrong(&Spanned::span(range), message);
    }
    fields.close();
    PixelKey {
        id,
        secret: SecretString::from(secret.into_inner()),
        address_ranges,
    }
}

/// What Postgres takes as `cidr`: an address whose bits after the prefix are zero.
fn is_network(text: &str) -> bool {
    keys::address_range(text).is_some_and(|range| range.trunc() == range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_zero_after_their_prefix() {
        for good in [
            "192.0.2.0/24",
            "192.0.2.1/32",
            "192.0.2.1",
            "2001:db8::/32",
            "0.0.0.0/0",
            "::1",
        ] {
            assert!(is_network(good), "{good}");
        }
        for bad in [
            "192.0.2.1/24",
            "192.0.2.0/33",
            "2001:db8::1/32",
            "localhost",
            "",
            "/8",
            "10.0.0.0/x",
        ] {
            assert!(!is_network(bad), "{bad}");
        }
    }
}
