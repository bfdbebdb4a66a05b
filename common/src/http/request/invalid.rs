//! What a request is refused for.

/// What is wrong with a request, in words that name the field, and the field. Always 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String, Option<String>);

impl Invalid {
    /// Something about the request as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into(), None)
    }

    /// Something about one field, by its full name.
    pub fn of_field(field: String, what: &str) -> Self {
        Self(format!("{field} {what}"), Some(field))
    }

    /// Something about one field, in words that are documented and begin otherwise.
    pub fn about(field: &str, message: impl Into<String>) -> Self {
        Self(message.into(), Some(field.to_owned()))
    }

    /// The field that it is about, with the names of the objects around it.
    pub fn field(&self) -> Option<&str> {
        self.1.as_deref().or_else(|| named_first(&self.0))
    }
}

/// Words between the name of a field and what is wrong with it.
const VERBS: [&str; 11] = [
    "is", "are", "must", "has", "contains", "needs", "belongs", "takes", "would", "and", "or",
];
/// Words with which a sentence begins that is about no field.
const NO_FIELDS: [&str; 8] = ["the", "a", "there", "this", "it", "nobody", "bodies", "lines"];

/// The field that a message is about, if it begins with it as nearly all do, behind the names of the things around it:
/// `program "x": cookie_time must be …`, `coupon "C" is taken`, `unknown field "x"`.
pub fn named_first(message: &str) -> Option<&str> {
    let mut rest = message;
    while let Some((thing, more)) = rest.split_once(": ") {
        if !thing.ends_with('"') || thing.contains(';') {
            break;
        }
        rest = more;
    }
    if let Some(unknown) = rest.strip_prefix("unknown field \"") {
        return unknown.split('"').next();
    }
    let (first, rest) = rest.split_once(' ')?;
    if let Some(field) = first.strip_suffix(':') {
        return Some(field).filter(|field| is_name(field));
    }
    let rest = behind_value(rest);
    let verb = rest.split([' ', ',', ':']).next()?;
    let is_field = is_name(first) && VERBS.contains(&verb);
    is_field.then_some(first)
}

/// Without the value that stands first, in quotes.
fn behind_value(text: &str) -> &str {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.split_once("\" "));
    quoted.map_or(text, |(_, behind)| behind)
}

fn is_name(word: &str) -> bool {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '.' | '[' | ']');
    !word.is_empty() && word.chars().all(is_part) && !NO_FIELDS.contains(&word.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_a_message_is_found() {
        for (message, want) in [
            ("amount must be a number", Some("amount")),
            ("customer.email is required", Some("customer.email")),
            ("[0].amount must not be negative", Some("[0].amount")),
            ("sessionId or clickId is required", Some("sessionId")),
            ("owner and owner_id are sent together", Some("owner")),
            ("coupon \"A is B\" is taken", Some("coupon")),
            ("email \"a@b.c\" is another affiliate's", Some("email")),
            (
                "affiliate \"x\" takes part in the program already",
                Some("affiliate"),
            ),
            (
                "program_id is required: no program is the default one",
                Some("program_id"),
            ),
            ("meta_data[value] needs meta_data[key]", Some("meta_data[value]")),
            (
                "program \"p\": type \"t\": percentage must be from 0 to 100",
                Some("percentage"),
            ),
            (
                "key \"k\": unknown field \"rate\", known are scopes",
                Some("rate"),
            ),
            ("unknown field \"x\", known are title", Some("x")),
            ("rules: \"coupon\" decides no commission", Some("rules")),
            ("the request body must be a JSON object", None),
            ("there are more than 1000 lines", None),
            ("malformed JSON: expected value", None),
            ("Not Found", None),
            ("\"x\" exists already", None),
            ("", None),
        ] {
            assert_eq!(named_first(message), want, "{message}");
        }
        let documented = Invalid::about("aff", "No aff parameter found in affiliate_url");
        assert_eq!(
            (documented.field(), documented.0.as_str()),
            (Some("aff"), "No aff parameter found in affiliate_url")
        );
    }
}
