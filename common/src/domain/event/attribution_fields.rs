//! What a request sends to say which affiliate earns.

use serde::{Deserialize, Serialize};

/// By what the affiliate may be found. Which counts first is the dialect's: see [`super::attribution`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributionFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_id: Option<String>,
    /// The id that a page's tracking script gave the visitor: a click's name (seed: REST 1.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_id: Option<String>,
    /// seed: AFFY, sessionId
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}

impl AttributionFields {
    /// The clicks that are named.
    pub fn clicks(&self) -> impl Iterator<Item = &str> {
        self.click_id.iter().chain(&self.tracking_id).map(String::as_str)
    }
}
