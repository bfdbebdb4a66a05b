//! The place in a distributed trace from which a request came: W3C Trace Context, <https://www.w3.org/TR/trace-context/>.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `traceparent`: a trace, a span of it, and whether that is recorded. Travels as text, `00-<trace>-<span>-<flags>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    pub flags: u8,
}

/// Not a `traceparent`, or one that names no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent of W3C Trace Context")]
pub struct InvalidTraceParent;

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Later versions may be longer; what version 00 has stands at the same places in them.
    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let (known, more) = text.split_at_checked(55).ok_or(InvalidTraceParent)?;
        let mut parts = known.split('-');
        let mut next = || parts.next().ok_or(InvalidTraceParent);
        let [version] = bytes(next()?)?;
        let parent = Self {
            trace: bytes(next()?)?,
            span: bytes(next()?)?,
            flags: bytes::<1>(next()?)?[0],
        };
        let is_whole = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
        let is_named = parent.trace != [0; 16] && parent.span != [0; 8];
        if is_whole && is_named {
            Ok(parent)
        } else {
            Err(InvalidTraceParent)
        }
    }
}

/// Bytes written as lower-case hexadecimal digits, and nothing else.
fn bytes<const N: usize>(digits: &str) -> Result<[u8; N], InvalidTraceParent> {
    let is_lower = digits
        .bytes()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; N];
    let decoded = hex::decode_to_slice(digits, &mut bytes).is_ok();
    (is_lower && decoded).then_some(bytes).ok_or(InvalidTraceParent)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (hex::encode(self.trace), hex::encode(self.span));
        write!(f, "00-{trace}-{span}-{:02x}", self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For a field of what is read from a queue: no event is lost for a trace that cannot be read.
pub(super) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceParent>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let parent: TraceParent = PARENT.parse().unwrap();
        assert_eq!((parent.trace[0], parent.span[7], parent.flags), (0x4b, 0xb7, 1));
        assert_eq!(parent.to_string(), PARENT);
    }

    #[test]
    fn only_what_the_standard_allows_is_read() {
        let later = PARENT.replacen("00-", "cc-", 1);
        for good in [later.clone(), format!("{later}-what-the-future-will-be-like")] {
            assert_eq!(good.parse(), PARENT.parse::<TraceParent>(), "{good}");
        }
        let no_trace = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let no_span = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16));
        let bad = [
            String::new(),
            PARENT.to_uppercase(),
            PARENT.replacen("00-", "ff-", 1),
            PARENT.replace('-', "_"),
            PARENT.replacen('4', "\u{e9}", 1),
            format!("{PARENT}-more"),
            format!("{later}.more"),
            no_trace,
            no_span,
        ];
        for bad in bad {
            assert_eq!(bad.parse::<TraceParent>(), Err(InvalidTraceParent), "{bad}");
        }
    }
}
