//! Affiliates as their organisation sees them (seed: REST 1.6): who they are, and their part in a program.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::MetaData;

/// An affiliate who was not deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct AffiliateRecord {
    /// The public id.
    pub slug: String,
    pub firstname: String,
    pub lastname: String,
    pub email: Option<String>,
    pub profile: Profile,
    /// The parent's public id.
    pub parent: Option<String>,
    pub group: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// What is known of an affiliate besides; stored as it is printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    pub company: Option<Company>,
    pub address: Option<Address>,
    pub meta_data: MetaData,
    pub custom_fields: Option<MetaData>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Company {
    pub name: Option<String>,
    pub description: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    #[serde(rename = "address")]
    pub line: Option<String>,
    #[serde(rename = "address_two")]
    pub second_line: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<Country>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Country {
    /// ISO 3166-1, two letters.
    pub code: String,
    /// Where somebody calls it otherwise than [`super::country::country_name`] does.
    pub name: Option<String>,
}

/// An affiliate and the part that it has in a program.
#[derive(Clone, Debug, PartialEq)]
pub struct AffiliateInProgram {
    pub affiliate: AffiliateRecord,
    pub part: Affiliation,
}

/// A program and the part that an affiliate has in it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramOfAffiliate {
    pub slug: String,
    pub title: String,
    /// How many assets the program has.
    pub assets: i64,
    pub part: Affiliation,
}

/// An affiliate's part in a program, as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Affiliation {
    /// `None`: waiting for a decision.
    pub approved: Option<bool>,
    pub coupon: Option<String>,
    pub applied_at: DateTime<Utc>,
    /// The program's page, to which links lead.
    pub landing_page: Option<String>,
    /// Its own, else the affiliate's public id, which serves as one.
    pub referral_code: String,
    pub asset_id: Option<String>,
    pub source_id: Option<String>,
}
