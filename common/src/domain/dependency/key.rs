//! The name of something that an event may wait for.

use std::borrow::Cow;

use crate::domain::{EventKind, Identity};

/// Something with a name within an organisation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// A conversion, by its external id.
    Order(String),
    Customer(Identity),
    /// A click, by the client's own id. Our own names of clicks hold their number, which nobody knows before the click is there.
    Click(String),
    Session(String),
}

impl Dependency {
    /// As it is stored and locked, with [`Dependency::name`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Customer(_) => "customer",
            Self::Click(_) => "click",
            Self::Session(_) => "session",
        }
    }

    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Order(name) | Self::Click(name) | Self::Session(name) => name.into(),
            Self::Customer(identity) => identity.key().into(),
        }
    }

    /// The reverse of both.
    pub fn parse(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "order" => Some(Self::Order(name.to_owned())),
            "customer" => Identity::from_key(name).map(Self::Customer),
            "click" => Some(Self::Click(name.to_owned())),
            "session" => Some(Self::Session(name.to_owned())),
            _ => None,
        }
    }

    /// Whether an event without an organisation may name it, and is of the organisation that has it. The lock of such a name is one
    /// in all organisations.
    pub fn tells_org(&self) -> bool {
        matches!(self, Self::Click(_) | Self::Session(_))
    }

    /// The name as it stands in the bodies of the events that bring it.
    pub fn sent(&self) -> Cow<'_, str> {
        match self {
            Self::Customer(Identity::Id(name) | Identity::Email(name)) => name.into(),
            other => other.name(),
        }
    }

    /// The kinds of events that may bring it.
    pub fn brought_by(&self) -> &'static [EventKind] {
        match self {
            Self::Order(_) => &[EventKind::CreateConversion],
            Self::Customer(_) => &[
                EventKind::CreateConversion,
                EventKind::CreateCustomer,
                EventKind::UpdateCustomer,
                EventKind::Lead,
            ],
            Self::Click(_) | Self::Session(_) => &[EventKind::Click],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClickId;

    #[test]
    fn a_stored_key_reads_back() {
        for key in [
            Dependency::Order("o:1".to_owned()),
            Dependency::Customer(Identity::Id("c:1".to_owned())),
            Dependency::Customer(Identity::email("a@b.c")),
            Dependency::Customer(Identity::Click(ClickId(7))),
            Dependency::Click("x".to_owned()),
            Dependency::Session(String::new()),
        ] {
            assert_eq!(Dependency::parse(key.kind(), &key.name()), Some(key));
        }
        assert_eq!(Dependency::parse("affiliate", "x"), None);
        assert_eq!(Dependency::parse("customer", "x"), None);
    }
}
