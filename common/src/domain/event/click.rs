//! Clicks on affiliates' links, and test events.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr, VariantNames};

use super::{
    meta_data::MetaData,
    needs::{Needs, NewRows, OrgClue},
};
use crate::domain::names::named;

/// A visitor came by an affiliate's link (seed: REST 1.6, Affitor, AFFY).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordClick {
    /// The code of the link, or an affiliate's own id.
    pub referral_code: String,
    /// Host of the page that was visited: finds the organisation where no key is sent (seed: Affitor).
    pub host: Option<String>,
    /// The client's own id of the click (seed: AFFY). Its first holder keeps it, in all organisations.
    pub name: Option<String>,
    /// The visitor's session (seed: AFFY); its latest click counts.
    pub session: Option<String>,
    /// An earlier click of the same visitor, which this one takes over (seed: Affitor, last click).
    pub existing: Option<String>,
    pub source_id: Option<String>,
    pub referrer: Option<String>,
    pub landing_page: Option<String>,
    pub meta_data: MetaData,
    /// User agent, ip, screen and the like: kept for reports.
    pub details: MetaData,
}

impl RecordClick {
    pub(super) fn needs(&self) -> Needs<'_> {
        let names = self.name.iter().chain(&self.existing);
        Needs {
            clicks: names.map(String::as_str).collect(),
            session: self.session.as_deref(),
            link: Some(&self.referral_code),
            org_clue: Some(OrgClue::Link {
                code: &self.referral_code,
                host: self.host.as_deref(),
            }),
            new_rows: NewRows {
                clicks: 1,
                ..NewRows::default()
            },
            ..Needs::default()
        }
    }
}

/// What a test event imitates.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TestKind {
    Click,
    Lead,
    Sale,
    Refund,
}

named! { TestKind }

/// A test (seed: Affitor, test mode): an event row and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestEvent {
    pub what: TestKind,
    /// Slug or number of the program, as sent.
    #[serde(default)]
    pub program: Option<String>,
    /// The body as sent.
    #[serde(default)]
    pub details: MetaData,
}
