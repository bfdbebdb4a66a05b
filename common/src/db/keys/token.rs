//! The text of a key: how it is made, checked without a database, hashed and hinted at. Pure, but for randomness.

use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "ck_live_";
const ID_CHARS: usize = 8;
/// 43 characters of 62 carry 256 bits.
const RANDOM_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Of other keys the hint shows so much: enough to recognise, too little to help a guess.
const FOREIGN_HINT_SHARE: usize = 3;

/// SHA-256 of a key. Keys are random and long, so a fast hash does.
pub fn hash_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// A fresh key: `ck_live_`, 8 characters that may be shown, `_`, 256 random bits, 6 characters that check the rest.
pub fn generate_key() -> String {
    let mut random = rand::rng();
    let id = Alphanumeric.sample_string(&mut random, ID_CHARS);
    let secret = Alphanumeric.sample_string(&mut random, RANDOM_CHARS);
    let key = format!("{PREFIX}{id}_{secret}");
    let check = check_characters(&key);
    key + &check
}

/// Whether `key` claims to be from [`generate_key`] and cannot be, which is known without any database.
pub fn is_mistyped(key: &str) -> bool {
    let Some(rest) = key.strip_prefix(PREFIX) else {
        return false;
    };
    let Some((body, check)) = key
        .len()
        .checked_sub(CHECK_CHARS)
        .and_then(|at| key.split_at_checked(at))
    else {
        return true;
    };
    rest.len() != ID_CHARS + 1 + RANDOM_CHARS + CHECK_CHARS || check != check_characters(body)
}

fn check_characters(body: &str) -> String {
    let hash = hash_key(body);
    let mut number = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mut check = String::with_capacity(CHECK_CHARS);
    for _ in 0..CHECK_CHARS {
        let digit = usize::try_from(number % 62)
            .ok()
            .and_then(|digit| BASE62.get(digit));
        check.extend(digit.copied().map(char::from));
        number /= 62;
    }
    check
}

/// What a key is recognised by: of ours the part made for it, of others the first third.
pub(crate) fn hint(key: &str) -> String {
    let shown = if key.starts_with(PREFIX) && !is_mistyped(key) {
        PREFIX.len() + ID_CHARS
    } else {
        (key.chars().count() / FOREIGN_HINT_SHARE).min(PREFIX.len() + ID_CHARS)
    };
    key.chars().take(shown).collect()
}
