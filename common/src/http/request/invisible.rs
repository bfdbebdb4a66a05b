//! Signs that nobody sees: control characters, zero-width spaces, byte order marks. Two ids that look alike must not be two, so
//! they count as blank space at the ends of a text and have no place within an id.

use crate::domain::spelling::is_invisible;

/// Bytes that no invisible sign has: most texts are looked at no further.
fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn is_blank_sign(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// `text` without blank space and invisible signs around it.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank_sign)
}

/// Whether nobody would see anything of it.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(is_blank_sign)
}

/// The first sign that an id must not have.
pub(super) fn first_invisible(text: &str) -> Option<char> {
    if is_printable_ascii(text) {
        return None;
    }
    text.chars().find(|c| is_invisible(*c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_is_found() {
        for sign in [
            '\0',
            '\u{1f}',
            '\u{7f}',
            '\u{85}',
            '\u{200b}',
            '\u{feff}',
            '\u{2060}',
            '\u{202e}',
            '\u{e0041}',
        ] {
            let text = format!("A{sign}1");
            assert_eq!(first_invisible(&text), Some(sign), "{sign:?}");
            assert_eq!(trimmed(&format!("{sign} A1{sign}\n")), "A1", "{sign:?}");
            assert!(is_blank(&format!("{sign} ")));
        }
        for text in ["ORD 1", "Bestellung-Ü", "注文1", "😀", "a\u{a0}b"] {
            assert_eq!((first_invisible(text), trimmed(text)), (None, text));
        }
    }

    proptest! {
        #[test]
        fn what_is_trimmed_begins_and_ends_with_something(text in any::<String>()) {
            let trimmed = trimmed(&text);
            prop_assert_eq!(trimmed.is_empty(), is_blank(&text));
            prop_assert!(trimmed.chars().next().is_none_or(|c| !is_blank_sign(c)));
            prop_assert!(trimmed.chars().next_back().is_none_or(|c| !is_blank_sign(c)));
        }
    }
}
