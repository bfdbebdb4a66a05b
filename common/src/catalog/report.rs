//! What an apply did, thing by thing.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::{EnumIter, IntoStaticStr};

/// The kinds of things that a file declares, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Thing {
    #[strum(serialize = "organisation")]
    Org,
    Group,
    #[strum(serialize = "custom field")]
    CustomField,
    Program,
    Asset,
    #[strum(serialize = "commission type")]
    CommissionType,
    Level,
    Bonus,
    Affiliate,
    Affiliation,
    Key,
    #[strum(serialize = "pixel key")]
    PixelKey,
}

impl Thing {
    /// As a person calls it.
    pub fn name(self) -> &'static str {
        self.into()
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
