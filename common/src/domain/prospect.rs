//! What is known of an affiliate prospect besides its names: stored as it is printed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProspectProfile {
    pub company: Option<ProspectCompany>,
    pub address: Option<ProspectAddress>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = rest::ProspectCompany)]
pub struct ProspectCompany {
    #[schema(required)]
    pub name: Option<String>,
    #[schema(required)]
    pub description: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = rest::ProspectAddress)]
pub struct ProspectAddress {
    #[serde(rename = "address")]
    pub line: String,
    #[serde(rename = "address_two")]
    #[schema(required)]
    pub second_line: Option<String>,
    pub postal_code: String,
    pub city: String,
    #[schema(required)]
    pub state: Option<String>,
    pub country: ProspectCountry,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = rest::ProspectCountry)]
pub struct ProspectCountry {
    /// ISO 3166-1, two letters.
    pub code: String,
    pub name: String,
}
