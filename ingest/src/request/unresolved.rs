//! Macros that a network or a template forgot to fill in: `{order_id}` as an order id would make all orders one.

use std::borrow::Cow;

/// Characters of a macro's name, at most.
const MAX_MACRO_NAME: usize = 64;

/// Whether `text` contains `{name}` (so also `${name}`, `{{name}}`), the same percent-encoded, or is `#name#`.
pub(super) fn contains_macro(text: &str) -> bool {
    is_hash_macro(text) || has_braced_name(&braces_decoded(text))
}

/// Whether `text` is a macro and nothing else. For texts that people write, who may use braces.
pub(super) fn is_macro(text: &str) -> bool {
    let decoded = braces_decoded(text.trim());
    let inside = |text: &str| Some(text.strip_prefix('{')?.strip_suffix('}')?.trim().to_owned());
    let whole = inside(decoded.strip_prefix('$').unwrap_or(&decoded));
    let name = whole.map(|whole| inside(&whole).unwrap_or(whole));
    is_hash_macro(text) || name.is_some_and(|name| is_name(&name))
}

fn braces_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let opened = text.replace("%7B", "{").replace("%7b", "{");
    Cow::Owned(opened.replace("%7D", "}").replace("%7d", "}"))
}

fn has_braced_name(text: &str) -> bool {
    let inside = text.split('{').skip(1);
    inside
        .filter_map(|rest| rest.split_once('}'))
        .any(|(name, _)| is_name(name))
}

fn is_hash_macro(text: &str) -> bool {
    let name = text
        .trim()
        .strip_prefix('#')
        .and_then(|text| text.strip_suffix('#'));
    name.is_some_and(is_name)
}

/// Not a GUID, which may stand in braces too and has hyphens.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_MACRO_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_told_from_ids() {
        for text in [
            "{order_id}",
            "ORD-{order_id}",
            "${amount}",
            "{{ORDER.ID}}",
            "${conversion.click.meta_data[subid1]}",
            "%7Border_id%7D",
            "x%7bsub1%7dy",
            "#s1#",
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
            "{\"a\":\"{b}\"}",
            "#1#",
            "100%",
        ] {
            assert!(!is_macro(text), "{text}");
        }
    }
}
