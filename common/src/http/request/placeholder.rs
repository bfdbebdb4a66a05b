//! What programs print where they have no value: `undefined`, `null`, `[object Object]`, the 0 of a guest. As an identity it
//! would make all strangers one customer, and all orders after the first repetitions of it. The one table of such words.

/// In lower case; compared without case, quotes and surrounding space.
const WORDS: [&str; 62] = [
    // JavaScript
    "undefined",
    "null",
    "nan",
    "infinity",
    "-infinity",
    "true",
    "false",
    "object",
    "[object object]",
    "[object undefined]",
    "[object null]",
    "[object array]",
    "[object promise]",
    "[object function]",
    "[circular]",
    "[function]",
    "void",
    // Other languages and databases
    "none",
    "nil",
    "<nil>",
    "%!s(<nil>)",
    "%!d(<nil>)",
    "(null)",
    "<null>",
    "[null]",
    "\\n",
    "nullptr",
    "dbnull",
    "system.dbnull",
    "system.object",
    "optional.empty",
    "optional(nil)",
    "nullnull",
    "undefinedundefined",
    "nothing",
    "array",
    "array()",
    "[]",
    "{}",
    // Spreadsheets and reports
    "n/a",
    "na",
    "#n/a",
    "#ref!",
    "#value!",
    "#name?",
    "#null!",
    "#num!",
    "#div/0!",
    "(not set)",
    "not set",
    "(none)",
    "(empty)",
    "empty",
    "blank",
    "missing",
    "unset",
    "tbd",
    "unknown",
    "(unknown)",
    // Guests
    "guest",
    "anonymous",
    "-1",
];
/// Those that mean nothing else in any context.
const UNMISTAKABLE: [&str; 4] = ["undefined", "null", "nan", "[object object]"];
/// Bytes of the longest text that is compared at all: a pair of words and what joins them.
const MAX_PLACEHOLDER: usize = 64;
const QUOTES: &[char] = &['"', '\'', '`', ' ', ';'];
/// Names of ids, without signs: a template's example that nobody has replaced.
const NAMES: [&str; 12] = [
    "orderid",
    "ordernumber",
    "orderno",
    "transactionid",
    "externalid",
    "customerid",
    "clickid",
    "sessionid",
    "userid",
    "saleid",
    "invoiceid",
    "refundid",
];
const JOINTS: &[char] = &['-', '_', ':', '/', '.', ',', '|', '+', '#', ' '];

/// Whether `text` names nobody and nothing: one of the words, zeros alone, several of them that are joined (`null-undefined`), or
/// one at the end of what is otherwise the same for everybody (`ORD-undefined`; `1001-null` is told from others by its number).
pub(super) fn is_placeholder(text: &str) -> bool {
    if text.len() > MAX_PLACEHOLDER || may_tell_apart(text) {
        return false;
    }
    let text = text.trim_matches(QUOTES).to_ascii_lowercase();
    is_word(&text) || is_joined(&text) || ends_in_one(&text) || is_field_name(&text)
}

/// An address of nobody: `undefined@undefined`, `null@shop.example`.
pub(super) fn is_nobodys_address(address: &str) -> bool {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let local = local.trim_matches(QUOTES).to_ascii_lowercase();
    UNMISTAKABLE.contains(&local.as_str())
        || (is_word(&local) && is_word(&domain.to_ascii_lowercase()))
        || is_placeholder(address)
}

/// Told by a look at its bytes, and true of nearly all ids: a digit other than 0 is in none of the words but `-1`.
fn may_tell_apart(text: &str) -> bool {
    text != "-1" && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

fn is_word(text: &str) -> bool {
    WORDS.contains(&text) || is_zero(text)
}

/// `0`, `0.0`, and a UUID of zeros; not what has no digit at all.
fn is_zero(text: &str) -> bool {
    text.contains('0')
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0' | b'.' | b'-' | b'{' | b'}'))
}

fn is_joined(text: &str) -> bool {
    let mut parts = text.split(JOINTS).filter(|part| !part.is_empty()).peekable();
    // Signs alone, such as `-` or `--`.
    parts.peek().is_none() || parts.all(is_word)
}

/// `ORDER_ID`, `YOUR_ORDER_ID`, `ORDER_ID_HERE`.
fn is_field_name(text: &str) -> bool {
    let bare: String = text.split(JOINTS).collect();
    let bare = ["your", "my", "insert", "enter"]
        .iter()
        .find_map(|word| bare.strip_prefix(word))
        .unwrap_or(&bare);
    NAMES.contains(&bare.strip_suffix("here").unwrap_or(bare))
}

fn ends_in_one(text: &str) -> bool {
    UNMISTAKABLE.iter().any(|word| {
        let before = text.strip_suffix(word);
        before.is_some_and(|before| before.ends_with(JOINTS) && !before.contains('0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_are_told_from_ids() {
        for text in [
            "undefined",
            "UNDEFINED",
            " Null ",
            "[object Object]",
            "None",
            "NaN",
            "n/a",
            "0",
            "000",
            "0.0",
            "-1",
            "false",
            "\"null\"",
            "'undefined'",
            "00000000-0000-0000-0000-000000000000",
            "undefined-undefined",
            "null null",
            "#undefined",
            "ORD-undefined",
            "ORDER_ID",
            "your-order-id",
            "INSERT_ORDER_ID_HERE",
            "transactionId",
            "Optional(nil)",
            "null;",
            "shop_null",
            "ORD-[object Object]",
            "-",
            "--",
            "(not set)",
            "guest",
            "",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "ORD-1",
            "1001-null",
            "undefined-7",
            "nullify",
            "nil-1",
            "10",
            "0030611",
            "-2",
            "O-0",
            "objective",
            "guesthouse",
            "anonymous-a",
            "nano",
            "ORDnull",
            "1.0",
            "a00000000-0000",
            "é",
            "test",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn addresses_of_nobody() {
        for address in [
            "undefined@undefined",
            "null@shop.example",
            "none@none",
            "[object Object]",
            "undefined",
        ] {
            assert!(is_nobodys_address(address), "{address}");
        }
        for address in [
            "none@shop.example",
            "jane@null.example",
            "jane@undefined",
            "guest@shop.example",
        ] {
            assert!(!is_nobodys_address(address), "{address}");
        }
    }
}
