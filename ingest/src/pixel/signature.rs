//! Signed links: the proof that the merchant's backend made them, and not whoever read the page.
//!
//! The signature is the lower-case hex HMAC-SHA256, with the pixel's secret, of the query in its canonical form:
//! without `sig`; names and values decoded as forms are, then percent-encoded as RFC 3986 has it (all but
//! `A-Z a-z 0-9 - . _ ~`, in upper-case hex); sorted by encoded name, then by encoded value, as bytes; each as
//! `name=value`, joined by `&`.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::Sha256;

use super::PATH;
use crate::tapfiliate::postback::create_conversion;
use common::http::{
    Warnings,
    request::{Invalid, query_fields},
};

/// The parameter with the signature.
pub const SIGNATURE: &str = "sig";

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What is signed of a query.
pub fn canonical(query: &str) -> String {
    let mut pairs: Vec<_> = pairs(query)
        .filter(|(name, _)| name != SIGNATURE.as_bytes())
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The signature of a query, whatever the order and encoding of its parameters.
pub fn sign(secret: &str, query: &str) -> String {
    mac(secret, query).map_or_else(String::new, |mac| hex::encode(mac.finalize().into_bytes()))
}

/// What a query carries of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    Right,
    /// Of another query, made with another secret, in another spelling, or several.
    Wrong,
}

/// What the query carries of a signature.
pub(super) fn sent(secret: &str, query: &str) -> Sent {
    let is_sent = pairs(query).any(|(name, _)| name == SIGNATURE.as_bytes());
    match (is_sent, is_signed(secret, query)) {
        (false, _) => Sent::Nothing,
        (true, true) => Sent::Right,
        (true, false) => Sent::Wrong,
    }
}

/// Whether a query carries its right signature. Compared in constant time.
fn is_signed(secret: &str, query: &str) -> bool {
    let mut sent = pairs(query).filter(|(name, _)| name == SIGNATURE.as_bytes());
    let (Some((_, signature)), None) = (sent.next(), sent.next()) else {
        return false;
    };
    // One spelling only: hex::decode would also read upper case.
    if signature.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let Ok(signature) = hex::decode(signature) else {
        return false;
    };
    mac(secret, query).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
}

/// The link with its signature, in canonical form, without a fragment.
///
/// # Errors
/// When it has no parameters that a pixel would take: a signature would not mend them.
pub fn signed_url(url: &str, secret: &str) -> Result<String, Invalid> {
    let url = url.split('#').next().unwrap_or_default();
    let (page, query) = url.split_once('?').unwrap_or((url, ""));
    create_conversion::parse(&query_fields(query, &Warnings::default())?)?;
    Ok(format!(
        "{page}?{}&{SIGNATURE}={}",
        canonical(query),
        sign(secret, query)
    ))
}

/// The pixel key in a link, if it is the link of a pixel.
pub fn key_of_url(url: &str) -> Option<&str> {
    let page = url.split(['?', '#']).next()?;
    let (before, file) = page.rsplit_once('/')?;
    let is_pixel = before.ends_with(PATH.trim_end_matches('/'));
    file.strip_suffix(".gif")
        .filter(|key| is_pixel && !key.is_empty())
}

/// `None`: never, HMAC takes keys of any length.
fn mac(secret: &str, query: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(canonical(query).as_bytes());
    Some(mac)
}

/// Names and values as the fields are read from a query.
fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> Vec<u8> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).collect()
}

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The worked example of docs/PIXEL.md: its recipes print this in PHP, JavaScript and Python.
    const QUERY: &str = "meta_data[note]=caf\u{e9}+~1&external_id=ORD-7&coupon=JANE10OFF&amount=59.90";
    const CANONICAL: &str =
        "amount=59.90&coupon=JANE10OFF&external_id=ORD-7&meta_data%5Bnote%5D=caf%C3%A9%20~1";
    const SIGNED: &str = "5f77611ebe2a0c679c4584e31397ab72dd6417cf9dcb348e124f0828a1976462";
    const SECRET: &str = "demo-pixel-secret";

    #[test]
    fn the_worked_example() {
        assert_eq!(canonical(QUERY), CANONICAL);
        assert_eq!(sign(SECRET, QUERY), SIGNED);
        assert!(is_signed(SECRET, &format!("{CANONICAL}&sig={SIGNED}")));
        let guide = include_str!("../../../docs/PIXEL.md");
        assert!(
            guide.contains(CANONICAL) && guide.contains(SIGNED),
            "the guide shows it"
        );
    }

    #[test]
    fn order_and_encoding_do_not_matter_and_everything_else_does() {
        for same in [
            "coupon=JANE10OFF&&amount=59.90&meta_data%5bnote%5d=caf%c3%a9%20%7E1&external_id=ORD%2d7",
            "external_id=ORD-7&sig=whatever&amount=59.90&coupon=JANE10OFF&meta_data[note]=caf%C3%A9+~1",
        ] {
            assert_eq!(sign(SECRET, same), SIGNED, "{same}");
        }
        let query = format!("{CANONICAL}&sig={SIGNED}");
        for (what, other) in [
            ("another amount", query.replace("59.90", "590")),
            ("one more parameter", format!("{query}&currency=USD")),
            ("one less", query.replace("coupon=JANE10OFF&", "")),
            ("upper case", format!("{CANONICAL}&sig={}", SIGNED.to_uppercase())),
            (
                "cut off",
                query.trim_end_matches(char::is_alphanumeric).to_owned(),
            ),
            ("shorter", query.split_at(query.len() - 2).0.to_owned()),
            ("twice", format!("{query}&sig={SIGNED}")),
            ("none", CANONICAL.to_owned()),
        ] {
            let told = if what == "none" {
                Sent::Nothing
            } else {
                Sent::Wrong
            };
            assert_eq!(sent(SECRET, &other), told, "{what}");
        }
        assert_eq!(sent("another secret", &query), Sent::Wrong);
        assert_eq!(sent(SECRET, &query), Sent::Right);
        assert_eq!(sent(SECRET, "amount=1&sig="), Sent::Wrong, "an empty one");
    }

    #[test]
    fn names_sort_before_values_and_reserved_characters_are_encoded() {
        for (query, want) in [
            ("b=1&a=2", "a=2&b=1"),
            ("a-=1&a=2", "a=2&a-=1"),
            ("l[]=2&l[]=1", "l%5B%5D=1&l%5B%5D=2"),
            ("a=!'()*/%3d%26", "a=%21%27%28%29%2A%2F%3D%26"),
            ("a", "a="),
            ("", ""),
            ("sig=1", ""),
        ] {
            assert_eq!(canonical(query), want, "{query}");
        }
    }

    #[test]
    fn a_link_is_signed_once_it_is_right() {
        let url = format!("https://t.example/p/demo-pixel.gif?{QUERY}&sig=old#top");
        let want = format!("https://t.example/p/demo-pixel.gif?{CANONICAL}&sig={SIGNED}");
        assert_eq!(signed_url(&url, SECRET).unwrap(), want);
        assert_eq!(
            signed_url(&want, SECRET).unwrap(),
            want,
            "signing again changes nothing"
        );
        let wrong = signed_url("https://t.example/p/demo-pixel.gif?amount=1", SECRET).unwrap_err();
        assert!(wrong.0.contains("external_id"), "{wrong}");
        let wrong = signed_url("https://t.example/p/p.gif?external_id={order}&coupon=C", SECRET);
        assert!(
            wrong.is_err(),
            "a macro is filled in after signing: that breaks the signature"
        );
    }

    #[test]
    fn the_key_of_a_link_is_found() {
        for (url, want) in [
            ("https://t.example/p/demo-pixel.gif?a=1", Some("demo-pixel")),
            ("/p/k.gif#x", Some("k")),
            ("https://t.example/q/k.gif", None),
            ("https://t.example/p/k.png", None),
            ("https://t.example/p/.gif", None),
            ("k.gif", None),
        ] {
            assert_eq!(key_of_url(url), want, "{url}");
        }
    }

    #[test]
    fn fuzz_no_mutation_forges_a_signature() {
        let queries = [
            QUERY,
            "coupon=C&amount=1&external_id=o&l[]=2&l[]=1",
            "referral_code=x&external_id=%7Bx%7D",
        ];
        let good: Vec<Vec<u8>> = queries
            .iter()
            .map(|query| format!("{query}&sig={}", sign(SECRET, query)).into_bytes())
            .collect();
        let signed = queries.map(canonical);
        common::fuzzing::fuzz(&good, |bytes| {
            let query = String::from_utf8_lossy(bytes);
            if sent(SECRET, &query) == Sent::Right {
                assert!(signed.contains(&canonical(&query)), "forged: {query}");
            }
        });
    }

    proptest! {
        #[test]
        fn what_is_signed_is_found_signed(query in "[a-c=&%+0-9é~]{0,40}") {
            let signed = format!("{query}&sig={}", sign(SECRET, &query));
            prop_assert!(is_signed(SECRET, &signed));
            prop_assert_eq!(canonical(&canonical(&query)), canonical(&query));
        }
    }
}
