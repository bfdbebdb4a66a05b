//! Macros that a network or a template forgot to fill in: `{order_id}` as an order id would make all orders one.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// Characters of a macro's name, at most.
const MAX_MACRO_NAME: usize = 64;
/// Characters that begin a macro's name in some template languages.
const MACRO_SIGNS: &[char] = &['$', '!', '%', '@', '#', '=', '&'];

/// Whether `text` contains `{name}` (so also `${name}`, `{{ name|filter }}`), the same percent-encoded, or is `#name#`.
pub(super) fn contains_macro(text: &str) -> bool {
    is_hash_macro(text) || has_braced_macro(&decoded(text))
}

/// Whether `text` is a macro and nothing else. For texts that people write, who may use braces.
pub(super) fn is_macro(text: &str) -> bool {
    let decoded = decoded(text.trim());
    let inside = |text: &str| Some(text.strip_prefix('{')?.strip_suffix('}')?.trim().to_owned());
    let whole = inside(decoded.strip_prefix('$').unwrap_or(&decoded));
    let name = whole.map(|whole| inside(&whole).unwrap_or(whole));
    is_hash_macro(text) || name.is_some_and(|name| is_name(&name))
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn has_braced_macro(text: &str) -> bool {
    let inside = text.split('{').skip(1);
    inside
        .filter_map(|rest| rest.split_once('}'))
        .any(|(inside, _)| is_placeholder(inside))
}

fn is_hash_macro(text: &str) -> bool {
    let name = text
        .trim()
        .strip_prefix('#')
        .and_then(|text| text.strip_suffix('#'));
    name.is_some_and(is_name)
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_MACRO_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | ':'))
}

/// Whether templates write a value's place like this between braces. Not a GUID, which may stand in braces too, and not
/// JSON, whose names have quotes.
fn is_placeholder(inside: &str) -> bool {
    let inside = inside.trim();
    let name = inside.split('|').next().unwrap_or_default().trim_end();
    let bare = name.strip_prefix(MACRO_SIGNS).unwrap_or(name);
    inside.len() <= MAX_MACRO_NAME
        && bare.starts_with(|first: char| first.is_alphanumeric() || first == '_')
        && bare
            .chars()
            .all(|c| c.is_alphanumeric() || "_.-:[]()' ".contains(c))
        && Uuid::try_parse(name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_told_from_ids() {
        let long = format!("{{{}}}", "x".repeat(MAX_MACRO_NAME + 1));
        for text in [
            "{order_id}",
            "ORD-{order_id}",
            "${amount}",
            "{{ORDER.ID}}",
            "${conversion.click.meta_data[subid1]}",
            "%7Border_id%7D",
            "x%7bsub1%7dy",
            "%7B%7B%20order_id%20%7D%7D",
            "#s1#",
            "{{ checkout.order_id }}",
            "{{ order_id }}",
            "${ order_id }",
            "{order-id}",
            "{order id}",
            "{$order_id}",
            "{!order_id}",
            "{{order.id|raw}}",
            "{{ order.id | default: \"none\" }}",
            "{{order['id']}}",
            "{{ orderId() }}",
            "{ORDER-ID}",
            "{commande_cr\u{e9}\u{e9}e}",
            "{0}",
        ] {
            assert!(contains_macro(text), "{text}");
        }
        for text in [
            "ORD-1",
            "#1001",
            "#1001#",
            "{}",
            "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
            "{CF2504E0-4F89-11D3-9A0C-0305E82C3301}",
            "}order_id{",
            "100%",
            "{\"a\":1}",
            "{ \"a\": {\"b\": \"c d\"} }",
            "{ }",
            "{,}",
            "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}-x",
            "[order_id]",
            &long,
        ] {
            assert!(!contains_macro(text), "{text}");
        }
    }

    #[test]
    fn in_prose_only_a_lone_macro_counts() {
        for text in [
            "{note}",
            " ${note} ",
            "{{note}}",
            "{{ note }}",
            "%7Bnote%7D",
            "#note#",
        ] {
            assert!(is_macro(text), "{text}");
        }
        for text in [
            "see {note}",
            "{note} was left",
            "use {a} or {b}",
            "{0}",
            "{very good}",
            "{note-1}",
            "{\"a\":\"{b}\"}",
            "#1#",
            "100%",
        ] {
            assert!(!is_macro(text), "{text}");
        }
    }
}
