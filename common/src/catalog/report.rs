//! What an apply did, thing by thing.

use std::collections::BTreeMap;

use serde::Serialize;

/// The kinds of things that a file declares, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Org,
    Group,
    CustomField,
    Program,
    Asset,
    CommissionType,
    Level,
    Bonus,
    Affiliate,
    Affiliation,
    Key,
    PixelKey,
}

impl Thing {
    pub const ALL: [Self; 12] = [
        Self::Org,
        Self::Group,
        Self::CustomField,
        Self::Program,
        Self::Asset,
        Self::CommissionType,
        Self::Level,
        Self::Bonus,
        Self::Affiliate,
        Self::Affiliation,
        Self::Key,
        Self::PixelKey,
    ];

    /// As a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Org => "organisation",
            Self::Group => "group",
            Self::CustomField => "custom field",
            Self::Program => "program",
            Self::Asset => "asset",
            Self::CommissionType => "commission type",
            Self::Level => "level",
            Self::Bonus => "bonus",
            Self::Affiliate => "affiliate",
            Self::Affiliation => "affiliation",
            Self::Key => "key",
            Self::PixelKey => "pixel key",
        }
    }
}

/// What happened to the things of one kind. Ids are paths: `demo/partner-program/standard`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    pub created: Vec<String>,
    pub changed: Vec<String>,
    pub unchanged: usize,
}

/// What an apply did, or would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Kinds that the file does not declare are absent.
    pub things: BTreeMap<Thing, Changes>,
    /// What the operator should know besides, such as a revoked key that stays revoked.
    pub notes: Vec<String>,
}

impl SyncReport {
    /// Whether the database said all of it before.
    pub fn is_unchanged(&self) -> bool {
        let mut all = self.things.values();
        all.all(|changes| changes.created.is_empty() && changes.changed.is_empty())
    }

    /// Whether anything of this kind was created or changed.
    pub(super) fn touched(&self, thing: Thing) -> bool {
        let changes = self.things.get(&thing);
        changes.is_some_and(|changes| !changes.created.is_empty() || !changes.changed.is_empty())
    }

    /// Counts `declared` things of a kind, of which `written` were created (true) or changed.
    pub(super) fn add(&mut self, thing: Thing, declared: usize, written: BTreeMap<String, bool>) {
        if declared == 0 {
            return;
        }
        let changes = self.things.entry(thing).or_default();
        changes.unchanged += declared.saturating_sub(written.len());
        for (id, created) in written {
            let list = if created {
                &mut changes.created
            } else {
                &mut changes.changed
            };
            list.push(id);
        }
    }
}
