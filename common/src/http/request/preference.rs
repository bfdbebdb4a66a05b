//! `Prefer` and `Idempotency-Key`: what the caller wants besides the event itself.

use std::time::Duration;

use crate::domain::{Idempotency, ProgramId};
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::Invalid;

/// How long a caller waits for the outcome unless it says otherwise.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(3);
/// However long it says.
pub const MAX_WAIT: Duration = Duration::from_secs(10);
/// Characters of an `Idempotency-Key`.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// The headers of a call that records something, for its description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Preferences {
    /// The same request again under its key gets the first outcome; another one is refused (422).
    #[param(rename = "Idempotency-Key", required = false, pattern = "^[!-~]{1,255}$")]
    pub idempotency_key: String,
    /// respond-async: the receipt at once; wait=N: the outcome within N seconds, at most 10.
    #[param(
        rename = "Prefer",
        required = false,
        pattern = "^(respond-async|wait=[0-9]{1,2})$"
    )]
    pub prefer: String,
}

/// The header of a call that changes something and answers when it has, for its description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// The same request under the same key has one effect, and the first answer again.
    #[param(rename = "Idempotency-Key", required = false, pattern = "^[!-~]{1,255}$")]
    pub idempotency_key: String,
}

/// How an accepted event is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// With its outcome, if that comes in time.
    Outcome(Duration),
    /// As soon as it is durable.
    Receipt,
}

impl Wait {
    /// How long at most, if at all.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Outcome(wait) => Some(wait),
            Self::Receipt => None,
        }
    }
}

/// RFC 7240: preferences come in one list or several headers, the first of a name counts, what is odd is ignored.
/// `respond-async` with `wait=N` means: after N seconds.
pub(super) fn wait(headers: &HeaderMap) -> Wait {
    let (mut is_async, mut seconds) = (false, None);
    let lists = headers.get_all("prefer").into_iter();
    let preferences = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    for preference in preferences {
        let preference = preference.split(';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "respond-async" => is_async = true,
            "wait" if seconds.is_none() => seconds = value.parse::<u64>().ok(),
            _ => {}
        }
    }
    match (seconds, is_async) {
        (Some(0), _) | (None, true) => Wait::Receipt,
        (Some(seconds), _) => Wait::Outcome(Duration::from_secs(seconds).min(MAX_WAIT)),
        (None, false) => Wait::Outcome(DEFAULT_WAIT),
    }
}

/// The `Idempotency-Key`.
///
/// # Errors
/// When the key is empty, too long, not ASCII, or sent twice.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Invalid> {
    let mut keys = headers.get_all("idempotency-key").into_iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    if keys.next().is_some() {
        return Err(Invalid::new("Idempotency-Key is sent twice"));
    }
    let key = key
        .to_str()
        .map_err(|_not_ascii| Invalid::new("Idempotency-Key must be ASCII"))?
        .trim();
    if key.is_empty() {
        return Err(Invalid::new("Idempotency-Key is empty"));
    }
    if key.len() > MAX_IDEMPOTENCY_KEY {
        return Err(Invalid::new(format!(
            "Idempotency-Key is longer than {MAX_IDEMPOTENCY_KEY} characters"
        )));
    }
    Ok(Some(key.to_owned()))
}

/// The same request with a key that is bound to a program is another one: the first outcome may be none of its business.
pub fn in_scope(idempotency: Idempotency, program: Option<ProgramId>) -> Idempotency {
    let Some(program) = program else {
        return idempotency;
    };
    idempotency.rehashed(|hash| {
        let mut scoped = Sha256::new();
        scoped.update(hash);
        scoped.update(program.0.to_be_bytes());
        hex::encode(scoped.finalize())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn preferences_are_read_as_the_rfc_says() {
        let after = |seconds| Wait::Outcome(Duration::from_secs(seconds));
        for (values, want) in [
            ([].as_slice(), after(3)),
            (&["respond-async"], Wait::Receipt),
            (&["Respond-Async; x=1"], Wait::Receipt),
            (&["return=minimal, respond-async"], Wait::Receipt),
            (&["return=minimal", "wait=5"], after(5)),
            (&["wait=\"5\", wait=7"], after(5)),
            (&["wait = 2"], after(2)),
            (&["wait=10"], after(10)),
            (&["wait=11"], after(10)),
            (&["wait=0"], Wait::Receipt),
            (&["respond-async, wait=4"], after(4)),
            (&["wait=soon"], after(3)),
            (&["wait=-1"], after(3)),
            (&["handling=lenient"], after(3)),
        ] {
            assert_eq!(wait(&headers("prefer", values)), want, "{values:?}");
        }
    }

    #[test]
    fn an_idempotency_key_has_a_length() {
        let read = |values: &[&str]| {
            idempotency_key(&headers("idempotency-key", values))
                .map(|found| found.map(|key| key.len()))
                .map_err(|error| error.0)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[&"k".repeat(255)]), Ok(Some(255)));
        assert!(read(&[&"k".repeat(256)]).unwrap_err().contains("longer than 255"));
        assert!(read(&[" "]).unwrap_err().contains("empty"));
        assert!(read(&["a", "b"]).unwrap_err().contains("twice"));
        assert!(read(&["\u{e9}"]).unwrap_err().contains("ASCII"));
    }

    #[test]
    fn a_key_that_is_bound_to_a_program_makes_another_request() {
        let sent = || Idempotency::plain("k".to_owned(), "00".repeat(32));
        assert_eq!(in_scope(sent(), None), sent());
        let scoped = in_scope(sent(), Some(ProgramId(7)));
        assert_eq!((scoped.key.as_str(), scoped.hash.len()), ("k", 64));
        assert_ne!(scoped, sent());
        assert_ne!(scoped, in_scope(sent(), Some(ProgramId(8))));
    }
}
