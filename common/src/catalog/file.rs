//! What a catalog file declares, checked. Written to the database as JSON rows, so the field names are the columns'.

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use toml::Spanned;

use super::fields::Id;
use crate::{
    db::keys::{Repeats, Scope, Timezone},
    domain::{
        Currency,
        catalog::{GroupOverride, Rate},
    },
};

/// A checked catalog: applying it can only fail for what is in the database.
#[derive(Clone, Debug, Default)]
pub(super) struct CatalogFile {
    pub(super) orgs: Vec<Org>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Org {
    pub(super) id: Id,
    pub(super) title: String,
    pub(super) affiliates_feature: bool,
    pub(super) client_id: Option<Spanned<i64>>,
    pub(super) events_per_minute: Option<i64>,
    pub(super) events_under_way: Option<i64>,
    #[serde(skip)]
    pub(super) groups: Vec<Group>,
    #[serde(skip)]
    pub(super) custom_fields: Vec<CustomField>,
    #[serde(skip)]
    pub(super) programs: Vec<Program>,
    #[serde(skip)]
    pub(super) affiliates: Vec<Affiliate>,
    #[serde(skip)]
    pub(super) keys: Vec<Key>,
    #[serde(skip)]
    pub(super) pixel_keys: Vec<PixelKey>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Group {
    pub(super) id: Id,
    pub(super) title: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CustomField {
    pub(super) id: Id,
    /// `{"title", "choices"}`; no choices: any text.
    pub(super) definition: CustomFieldDefinition,
    /// No longer offered.
    pub(super) retired: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CustomFieldDefinition {
    pub(super) title: String,
    pub(super) choices: Vec<Spanned<String>>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "the words of a file and the columns of a table"
)]
#[derive(Clone, Debug, Serialize)]
pub(super) struct Program {
    pub(super) id: Id,
    pub(super) title: String,
    pub(super) is_default: bool,
    pub(super) currency: Option<Currency>,
    pub(super) currency_symbol: Option<String>,
    pub(super) cookie_time: i32,
    pub(super) landing_page: Option<String>,
    /// JSON text, as REST 1.6 prints it.
    pub(super) category: Option<String>,
    pub(super) recurring: bool,
    pub(super) recurring_cap: Option<i32>,
    pub(super) recurring_period_days: Option<i32>,
    pub(super) approval: String,
    pub(super) hold_days: Option<i32>,
    pub(super) default_type: Spanned<String>,
    pub(super) keyed_leads_only: bool,
    /// Takes nothing new.
    pub(super) retired: bool,
    /// In lower case, without scheme, port and path.
    #[serde(skip)]
    pub(super) hosts: Vec<Spanned<String>>,
    /// Of the landing page.
    #[serde(skip)]
    pub(super) landing_host: Option<String>,
    #[serde(skip)]
    pub(super) assets: Vec<Spanned<String>>,
    #[serde(skip)]
    pub(super) types: Vec<CommissionType>,
    #[serde(skip)]
    pub(super) levels: Vec<Level>,
    #[serde(skip)]
    pub(super) bonuses: Vec<Bonus>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CommissionType {
    pub(super) id: Id,
    pub(super) title: String,
    #[serde(flatten)]
    pub(super) rate: Option<Rate>,
    pub(super) recurrence: String,
    pub(super) count_towards_cap: bool,
    pub(super) group_overrides: Vec<GroupOverride>,
    /// No request can name it any more.
    pub(super) retired: bool,
    /// Where the groups stand, for messages.
    #[serde(skip)]
    pub(super) groups: Vec<Id>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Level {
    /// `level-2`, as REST 1.6 prints it.
    #[serde(skip)]
    pub(super) id: Id,
    #[serde(rename = "level")]
    pub(super) number: i32,
    pub(super) title: String,
    pub(super) percentage: rust_decimal::Decimal,
    /// Pays nothing any more.
    pub(super) retired: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Bonus {
    pub(super) id: Id,
    pub(super) definition: BonusDefinition,
    /// Brings nothing any more.
    pub(super) retired: bool,
}

/// As REST 1.6 prints it, and what it leaves out: `target` conversions within an interval bring the rate, a percentage
/// of the interval's amounts or a fixed amount.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BonusDefinition {
    pub(super) title: String,
    pub(super) target_type: String,
    pub(super) target: i64,
    pub(super) interval: String,
    #[serde(flatten)]
    pub(super) rate: Option<Rate>,
    pub(super) active: bool,
    pub(super) start_date: Option<String>,
    pub(super) end_date: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Affiliate {
    pub(super) id: Id,
    pub(super) firstname: String,
    pub(super) lastname: String,
    pub(super) email: Option<String>,
    pub(super) parent: Option<Spanned<String>>,
    pub(super) group_id: Option<Spanned<String>>,
    pub(super) profile: Profile,
    #[serde(skip)]
    pub(super) affiliations: Vec<Affiliation>,
}

/// As REST 1.6 prints it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Profile {
    pub(super) company: Option<Company>,
    pub(super) address: Option<Address>,
    pub(super) meta_data: Map<String, Value>,
    pub(super) custom_fields: Option<Map<String, Value>>,
    /// Where the custom fields stand, for messages.
    #[serde(skip)]
    pub(super) custom_field_ids: Vec<(Id, Option<Spanned<String>>)>,
    /// Which of [`Profile::FREE`] are to be emptied first.
    #[serde(skip)]
    pub(super) clears: [bool; 2],
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Company {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Address {
    #[serde(rename = "address")]
    pub(super) line: Option<String>,
    #[serde(rename = "address_two")]
    pub(super) second_line: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) city: Option<String>,
    pub(super) state: Option<String>,
    pub(super) country: Option<Country>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Country {
    pub(super) code: String,
    pub(super) name: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Affiliation {
    pub(super) program: Id,
    /// `None`: waiting for a decision.
    pub(super) approved: Option<bool>,
    pub(super) coupon: Option<Spanned<String>>,
    pub(super) coupon_folded: Option<String>,
    pub(super) referral_code: Option<Spanned<String>>,
    pub(super) asset_id: Option<Spanned<String>>,
    pub(super) source_id: Option<Spanned<String>>,
    #[serde(flatten)]
    pub(super) own_rate: Option<Rate>,
    pub(super) ignore_product_rate: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Key {
    /// The name of its table; the hash is what it is known by.
    #[serde(skip)]
    pub(super) name: Id,
    /// What the operator calls it.
    #[serde(rename = "name")]
    pub(super) called: String,
    /// SHA-256 in hex.
    pub(super) hash: String,
    pub(super) hint: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) program: Option<Spanned<String>>,
    pub(super) owner: String,
    pub(super) owner_id: String,
    pub(super) timezone: Timezone,
    pub(super) rate_per_minute: i32,
    pub(super) repeats: Repeats,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct PixelKey {
    pub(super) id: Id,
    #[serde(serialize_with = "exposed")]
    pub(super) secret: SecretString,
    pub(super) address_ranges: Vec<Spanned<String>>,
}

impl Profile {
    /// Free data: kept as it is stored, whatever TOML can say.
    pub(super) const FREE: [&'static str; 2] = ["meta_data", "custom_fields"];
}

impl Org {
    /// The affiliates that the file is about: declared, or named by what it declares. A referral code may be the id of one.
    pub(super) fn affiliates_named(&self) -> Vec<String> {
        let mut named = Vec::new();
        for affiliate in &self.affiliates {
            named.push(affiliate.id.get_ref());
            named.extend(affiliate.parent.iter().map(Spanned::get_ref));
            let codes = affiliate.affiliations.iter();
            named.extend(codes.filter_map(|part| part.referral_code.as_ref().map(Spanned::get_ref)));
        }
        named.into_iter().cloned().collect()
    }
}

/// The pixel's secret goes to the database, which needs it itself; `Debug` never prints it.
fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}
