//! Parameters that a broken link has glued to the value before them: `&amp;amount=100` of a page's source, a second `?` of a link
//! that had parameters already, `%26amount=` that was escaped once too often, `;` between parameters.
//!
//! Where a name follows that calls here have, the sign is read as the separator that it was meant to be. Elsewhere a sign with
//! something like a parameter behind it makes an id or an amount of nobody's meaning, and is refused.

use percent_encoding::percent_decode_str;

use super::Invalid;

/// Parameters that calls read from a query or a form, and that would be lost.
const READ: [&str; 48] = [
    "external_id",
    "amount",
    "currency",
    "coupon",
    "referral_code",
    "click_id",
    "asset_id",
    "source_id",
    "customer_id",
    "tracking_id",
    "visitor_id",
    "status",
    "type",
    "timestamp",
    "refund_id",
    "commission_type",
    "sub_amount",
    "conversion_sub_amount",
    "override_max_cookie_time",
    "recalculate_commissions",
    "meta_data",
    "user_agent",
    "ip",
    "sig",
    "order_id",
    "total_amount",
    "customer",
    "email",
    "commission",
    "commissions",
    "transaction_id",
    "amount_cents",
    "refund_amount_cents",
    "customer_key",
    "affiliate_url",
    "existing_click_id",
    "click_ids",
    "clientId",
    "clickId",
    "sessionId",
    "customerId",
    "customerEmail",
    "leadType",
    "leadValue",
    "transactionId",
    "affiliateReference",
    "affiliate_id",
    "program_id",
];
/// Those whose values people and browsers write: they may hold any sign.
const PROSE: [&str; 3] = ["meta_data", "user_agent", "affiliate_url"];
/// What an ampersand becomes in a page's source, but for the ampersand.
const ESCAPES: [&str; 5] = ["amp;", "AMP;", "#38;", "#038;", "#x26;"];
const SEPARATORS: &[char] = &['&', ';', '?'];
/// The same, and those that leave no doubt before the name of a parameter of calls, but none of where the value ends either.
const GLUE: &[char] = &['&', ';', '?', ',', '|', '\n', '\r', ' ', '#', '/'];
/// Signs that stand between parameters in links of some networks, but in values, too.
const DOUBTFUL: &[char] = &['&', ';', '?', ',', '|', '\n', '\r'];

/// `name` without what escaping has left before it.
pub(super) fn unescaped(mut name: &str) -> &str {
    loop {
        let rest = ESCAPES.iter().find_map(|escape| name.strip_prefix(escape));
        let Some(rest) = rest.or_else(|| name.strip_prefix('?')) else {
            return name;
        };
        name = rest;
    }
}

/// The value of `name`, and the parameters that are glued to it, each as `name=value`.
///
/// # Errors
/// When it is the value of an id or an amount, and what is glued to it is no parameter of a call.
pub(super) fn unglued<'a>(name: &str, value: &'a str) -> Result<(&'a str, Vec<&'a str>), Invalid> {
    // Links have parameters of their own.
    if !value.contains('=') || value.contains("://") {
        return Ok((value, Vec::new()));
    }
    let signs: Vec<usize> = value.match_indices(SEPARATORS).map(|(at, _)| at).collect();
    let is_read_at = |at: &usize| name_behind(value, *at).is_some_and(|name| READ.contains(&name));
    if signs.iter().any(is_read_at) {
        let mut cuts = signs.into_iter().filter(|at| name_behind(value, *at).is_some());
        let first = cuts.next().unwrap_or(value.len());
        let mut glued = Vec::new();
        let mut from = first;
        for cut in cuts.chain([value.len()]) {
            let pair = value.get(from + 1..cut).map(unescaped);
            glued.extend(pair.filter(|pair| !is_cut_escape(pair)));
            from = cut;
        }
        return Ok((value.get(..first).unwrap_or_default(), glued));
    }
    let mut doubtful = value.match_indices(DOUBTFUL);
    let head = name.split('[').next().unwrap_or_default();
    let is_id = READ.contains(&head) && !PROSE.contains(&head);
    let other = doubtful.find_map(|(at, _)| name_behind(value, at));
    match other.or_else(|| glued_name(value)) {
        Some(other) if is_id => Err(Invalid::new(format!(
            "{name} has what looks like another parameter in it ({other}=): parameters are separated by &"
        ))),
        _ => Ok((value, Vec::new())),
    }
}

/// `value` as it was before it was escaped once too often, where another parameter comes to light then.
pub(super) fn escaped_once(value: String) -> String {
    if !value.contains(['%', '\\']) || value.contains("://") {
        return value;
    }
    let decoded = percent_decode_str(&value)
        .decode_utf8_lossy()
        .replace("\\u0026", "&");
    if !decoded.contains("://") && decoded != value && glued_name(&decoded).is_some() {
        return decoded;
    }
    value
}

/// The name of a parameter of calls that is glued to `text`.
pub(super) fn glued_name(text: &str) -> Option<&str> {
    if !text.contains('=') || text.contains("://") {
        return None;
    }
    let mut behind = text
        .match_indices(GLUE)
        .filter_map(|(at, _)| name_behind(text, at));
    behind.find(|name| READ.contains(name))
}

/// Whether a parameter without a value is another one that was escaped as a whole: `external_id%3D1`.
pub(super) fn is_escaped_whole(name: &str) -> bool {
    name.split_once('=')
        .is_some_and(|(name, _)| READ.contains(&unescaped(name)))
}

/// What a cut at the semicolon of `&amp;` leaves.
fn is_cut_escape(pair: &str) -> bool {
    ESCAPES
        .iter()
        .any(|escape| escape.strip_suffix(';') == Some(pair))
}

/// The name that a parameter behind the sign at `at` would have.
fn name_behind(value: &str, at: usize) -> Option<&str> {
    let rest = unescaped(value.get(at + 1..)?);
    let (name, _) = rest.split_once('=')?;
    let head = name.split('[').next().unwrap_or_default();
    let is_name = !head.is_empty()
        && head
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_glued_is_found() {
        for (value, want, glued) in [
            ("X", "X", &[][..]),
            ("X?amount=100", "X", &["amount=100"]),
            ("X&amount=100", "X", &["amount=100"]),
            ("X&amp;amount=100", "X", &["amount=100"]),
            (
                "X;amount=100;utm=1;coupon=C",
                "X",
                &["amount=100", "utm=1", "coupon=C"],
            ),
            ("X&meta_data[a]=1", "X", &["meta_data[a]=1"]),
            ("?amount=1", "", &["amount=1"]),
            ("a;b;c", "a;b;c", &[]),
            ("https://a.example/?amount=1", "https://a.example/?amount=1", &[]),
            ("a=b", "a=b", &[]),
            ("YWJj==", "YWJj==", &[]),
        ] {
            assert_eq!(
                unglued("external_id", value).unwrap(),
                (want, glued.to_vec()),
                "{value}"
            );
        }
    }

    #[test]
    fn what_may_be_another_parameter_is_no_part_of_an_id() {
        for value in ["X?utm=1", "X&utm=1", "X;a=1", "X,amount=1", "X|amount=1"] {
            let refused = unglued("external_id", value).unwrap_err();
            assert!(
                refused.0.starts_with("external_id has what looks like"),
                "{value}"
            );
            assert_eq!(unglued("note", value).unwrap(), (value, Vec::new()));
            assert_eq!(unglued("meta_data[x]", value).unwrap(), (value, Vec::new()));
        }
    }

    #[test]
    fn escapes_are_no_part_of_a_name() {
        for name in ["a", "amp;a", "amp;amp;a", "#038;a", "?a", "AMP;a"] {
            assert_eq!(unescaped(name), "a");
        }
        assert!(
            is_escaped_whole("external_id=1&amount=2")
                && !is_escaped_whole("x=1")
                && !is_escaped_whole("amount")
        );
    }
}
