//! Macros that a network or a template forgot to fill in: `{order_id}` as an order id would make all orders one.
//!
//! The spellings are those of tag managers (`{{Order ID}}`), ad servers and networks (`{x}`, `${X}`, `[X]`, `[%x%]`, `%%X%%`,
//! `__X__`, `#x#`, `!!!x!!!`, `@@x@@`), mail tools (`*|X|*`, `[[x]]`, `%X%`, `~x~`, `$x$`, `-x-`, `%%=v(@x)=%%`) and template
//! languages (`<%= x %>`, `<?= $x ?>`, `{% x %}`, `#{x}`, `@x`, `$x`, `:x`, `%s`).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// Characters of a macro's name, at most.
const MAX_MACRO_NAME: usize = 64;
/// Characters that begin a macro's name in some template languages.
const MACRO_SIGNS: &[char] = &['$', '!', '%', '@', '#', '=', '&'];
/// What stands around a macro's name: such a text is one, whatever the name.
const PAIRS: [(&str, &str); 19] = [
    ("[", "]"),
    ("<", ">"),
    ("%", "%"),
    ("__", "__"),
    ("#", "#"),
    ("$", "$"),
    ("@@", "@@"),
    ("~", "~"),
    ("*|", "|*"),
    ("!!", "!!"),
    ("{", "}"),
    ("\u{ab}", "\u{bb}"),
    ("--", "--"),
    ("%e", "!"),
    ("%(", ")s"),
    ("%(", ")d"),
    ("%<", ">s"),
    ("\\(", ")"),
    ("&lt;", "&gt;"),
];
/// The same, but people put these signs around their own words, too: only names of what is sent here make a macro of it.
const WEAK_PAIRS: [(&str, &str); 12] = [
    ("_", "_"),
    ("-", "-"),
    ("(", ")"),
    ("$(", ")"),
    ("@(", ")"),
    ("|", "|"),
    ("!", "!"),
    ("^", "^"),
    ("@", "@"),
    ("&", ";"),
    (":", ":"),
    ("*", "*"),
];
/// Signs before a name in template languages, of which nothing stands behind it.
const PREFIXES: [char; 7] = ['$', '@', ':', '%', '!', '&', '='];
/// Pairs between which there is program text, wherever they stand.
const CODE: [(&str, &str); 4] = [("<%", "%>"), ("<?", "?>"), ("[%", "%]"), ("%%=", "=%%")];
/// Parts of the names of what is sent to trackers.
const KNOWN: [&str; 35] = [
    "order",
    "trans",
    "txn",
    "click",
    "customer",
    "client",
    "user",
    "visitor",
    "contact",
    "subscriber",
    "session",
    "cookie",
    "amount",
    "total",
    "price",
    "value",
    "revenue",
    "payout",
    "currency",
    "coupon",
    "voucher",
    "promo",
    "code",
    "email",
    "mail",
    "sale",
    "lead",
    "conversion",
    "invoice",
    "checkout",
    "affiliate",
    "partner",
    "tracking",
    "campaign",
    "source",
];
/// Short ones, which count as a whole word.
const KNOWN_WORDS: [&str; 15] = [
    "id", "ref", "sub", "aff", "var", "cid", "sid", "uid", "tid", "oid", "cart", "item", "name", "number",
    "random",
];

/// Whether `text` has `{name}` in it (so also `${name}`, `{{ name|filter }}`), the same percent-encoded, or is a macro in another
/// spelling, with nothing beside it that could tell one value from another: `A[1]B` and `1001-[x]` are ids.
pub(super) fn contains_macro(text: &str) -> bool {
    if is_plain(text) {
        return false;
    }
    let decoded = decoded(text);
    has_braced_macro(&decoded) || is_other_macro(text) || (*decoded != *text && is_other_macro(&decoded))
}

/// Whether `text` is a macro and nothing else. For texts that people write, who may use braces.
pub(super) fn is_macro(text: &str) -> bool {
    if is_plain(text) {
        return false;
    }
    let decoded = decoded(text.trim());
    let inside = |text: &str| Some(text.strip_prefix('{')?.strip_suffix('}')?.trim().to_owned());
    let whole = inside(decoded.strip_prefix('$').unwrap_or(&decoded));
    let name = whole.map(|whole| inside(&whole).unwrap_or(whole));
    is_hash_macro(text)
        || name.is_some_and(|name| is_name(&name))
        || (!decoded.contains(' ')
            && is_within(&PAIRS, &decoded, |name| is_macro_name(name) && is_known(name)))
}

/// Told by a look at its bytes, and true of nearly all ids: nothing in it could be a macro.
fn is_plain(text: &str) -> bool {
    let is_sign = |byte: u8| !byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    let within = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b' ');
    bytes.iter().all(within)
        && !bytes.first().copied().is_some_and(is_sign)
        && !bytes.windows(2).any(|pair| pair == b"__")
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn has_braced_macro(text: &str) -> bool {
    text.match_indices('{').any(|(at, _)| {
        let (before, rest) = (text.get(..at), text.get(at + 1..));
        let within = rest.and_then(|rest| rest.split_once('}'));
        within.is_some_and(|(inside, after)| {
            is_placeholder(inside) && !is_amid(before.unwrap_or_default(), inside, after)
        })
    })
}

/// Whether braces stand around a sign or two in the middle of an id: `A{1}B`.
fn is_amid(before: &str, inside: &str, after: &str) -> bool {
    let is_id = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
    inside.len() <= 2 && is_id(before.chars().next_back()) && is_id(after.chars().next())
}

/// What a template that was cut off leaves: `{order_id`, `order_id}}`.
fn is_half(text: &str) -> bool {
    let bare = text.trim_start_matches(['$', '{']).trim_end_matches('}').trim();
    let is_braced = text.contains('{') != text.contains('}');
    is_braced && is_macro_name(bare) && is_known(bare)
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
            .all(|c| c.is_alphanumeric() || "_.-:[]()'? ".contains(c))
        && Uuid::try_parse(name).is_err()
}

fn is_other_macro(text: &str) -> bool {
    let text = text.trim();
    let is_known_name = |name: &str| is_macro_name(name) && is_known(name);
    is_within(&PAIRS, text, is_macro_name)
        || is_within(&WEAK_PAIRS, text, is_known_name)
        || text.strip_prefix(PREFIXES).is_some_and(is_known_name)
        || is_half(text)
        || text.split(['-', '_', '/', '.', ' ']).all(is_conversion)
        || CODE.iter().any(|(open, close)| {
            let rest = text.split_once(open).map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.contains(close))
        })
        || is_beside_nothing(text)
}

/// Whether `text` is a name between one of `pairs`, or within several of them.
fn is_within(pairs: &[(&str, &str)], text: &str, is_name: impl Fn(&str) -> bool + Copy) -> bool {
    pairs.iter().any(|(open, close)| {
        let inside = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        let inside = inside.map(str::trim);
        inside.is_some_and(|inside| is_name(inside) || is_within(pairs, inside, is_name))
    })
}

/// A macro at the end or the beginning of a text whose rest has no number: `ORD-[order_id]`.
fn is_beside_nothing(text: &str) -> bool {
    let is_the_same = |rest: &str| !rest.bytes().any(|byte| byte.is_ascii_digit());
    let is_known_name = |name: &str| is_macro_name(name) && is_known(name);
    PAIRS.iter().any(|(open, close)| {
        let at_end = text.strip_suffix(close).and_then(|rest| rest.split_once(open));
        let at_start = text.strip_prefix(open).and_then(|rest| rest.rsplit_once(close));
        at_end.is_some_and(|(rest, name)| is_the_same(rest) && is_known_name(name.trim_matches(SIGNS)))
            || at_start
                .is_some_and(|(name, rest)| is_the_same(rest) && is_known_name(name.trim_matches(SIGNS)))
    }) || text
        .rsplit_once('$')
        .is_some_and(|(rest, name)| is_the_same(rest) && is_known_name(name))
}

/// What is doubled and tripled around a name.
const SIGNS: &[char] = &['[', ']', '%', '_', '#', '$', '@', '|', '*', '!', '<', '>', ' '];

/// `%s` and its like: what `printf` fills in.
fn is_conversion(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('%') else {
        return false;
    };
    let bare = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let bare = bare.strip_prefix('$').unwrap_or(bare);
    matches!(
        bare,
        "s" | "d" | "i" | "u" | "n" | "@" | "v" | "ld" | "lu" | "lld"
    )
}

/// A name as programs have them. Numbers are part of it as in `sub1`: what has a longer one may be an id that somebody put into
/// brackets.
fn is_macro_name(name: &str) -> bool {
    let bare = name.strip_prefix(MACRO_SIGNS).unwrap_or(name).trim_start();
    let is_numbered = |pair: &[u8]| matches!(pair, [b'-', digit] if digit.is_ascii_digit());
    let bytes = bare.as_bytes();
    name.len() <= MAX_MACRO_NAME
        && bare.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && bare
            .chars()
            .all(|c| c.is_alphanumeric() || "_.-:[]()'\">=|, ".contains(c))
        && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
        && !bytes.windows(2).any(is_numbered)
}

/// Whether a name is of something that is sent here.
fn is_known(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphabetic());
    KNOWN.iter().any(|part| name.contains(part)) || words.any(|word| KNOWN_WORDS.contains(&word))
}

#[cfg(test)]
#[path = "macros_tests.rs"]
mod tests;
