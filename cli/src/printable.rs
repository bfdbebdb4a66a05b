//! What outsiders have sent, made fit for a terminal and for files that are looked at on one: a control character in it would move
//! the cursor, hide lines or answer questions. It is shown as U+FFFD; in JSON, which says what was sent, it is escaped.

use std::{borrow::Cow, fmt::Write as _};

/// What stands for a control character.
const INSTEAD: &str = "\u{fffd}";

/// One line, or one cell of a table.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.replace(char::is_control, INSTEAD).into()
    } else {
        text.into()
    }
}

/// Several lines, whose ends are ours.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let is_foreign = |c: char| c.is_control() && c != '\n';
    if text.contains(is_foreign) {
        text.replace(is_foreign, INSTEAD).into()
    } else {
        text.into()
    }
}

/// A JSON document. The library escapes what JSON wants escaped; beyond ASCII's first there are more.
pub(crate) fn json(document: &str) -> Cow<'_, str> {
    let is_foreign = |c: char| c.is_control() && c != '\n';
    if !document.contains(is_foreign) {
        return document.into();
    }
    let mut escaped = String::with_capacity(document.len() + 16);
    for c in document.chars() {
        if is_foreign(c) {
            // Writing to a text cannot fail.
            write!(escaped, "\\u{:04x}", u32::from(c)).unwrap_or_default();
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// ESC, the first and last of C0, DEL, and the first and last of C1, which is the CSI of some terminals.
    const HOSTILE: &str = "a\u{1b}[31mb\0c\u{1f}d\u{7f}e\u{80}f\u{9b}2Jg\u{9f}h\r\ni";

    #[test]
    fn no_control_character_is_left() {
        assert_eq!(line("café 7"), "café 7");
        assert!(!line(HOSTILE).contains(char::is_control));
        assert_eq!(
            lines(HOSTILE).matches(char::is_control).collect::<Vec<_>>(),
            ["\n"]
        );
    }

    #[test]
    fn json_says_what_was_sent_and_harms_nobody() {
        let sent = json!({"name": HOSTILE});
        for document in [sent.to_string(), serde_json::to_string_pretty(&sent).unwrap()] {
            let shown = json(&document);
            assert!(
                !shown.contains(|c: char| c.is_control() && c != '\n'),
                "{shown:?}"
            );
            assert!(
                shown.contains("\\u001b[31m") && shown.contains("\\u009b2J"),
                "{shown}"
            );
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), sent);
        }
    }
}
