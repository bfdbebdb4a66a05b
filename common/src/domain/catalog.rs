//! What operators declare: programs, rules, affiliates. Loaded for a batch, read-only while deciding.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr, VariantNames};

use super::{
    AffiliateId, AffiliateView, Currency, OrgId, ProgramId, ProgramView, names::named, versions::Versions,
};

/// How much a commission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", content = "value", rename_all = "snake_case")]
pub enum Rate {
    /// Percent of the sub amount: 10 is a tenth.
    Percentage(Decimal),
    /// An amount per conversion.
    Fixed(Decimal),
}

/// When a program's commissions become payable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Approval {
    Manual,
    Immediate,
    /// Days after the conversion.
    Hold(i32),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub id: ProgramId,
    pub slug: String,
    pub title: String,
    pub currency: Currency,
    pub is_default: bool,
    /// What it takes, keeps and approves, by time.
    pub terms: Versions<Terms>,
    /// An unauthenticated lead is provisional: it binds nobody (seed: Affitor, server-side lead tracking). The word is the
    /// catalog file's and the column's.
    pub keyed_leads_only: bool,
    /// From then on it takes nothing new; what there is of it goes on.
    pub retired_at: Option<DateTime<Utc>>,
    /// All versions, in any order.
    pub types: Vec<CommissionType>,
    /// All versions, in any order.
    pub levels: Vec<Level>,
    pub bonuses: Vec<Bonus>,
}

/// What a program says besides its rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The first affiliate keeps the customer.
    pub recurring: bool,
    /// Days for which a click counts.
    pub cookie_time: i32,
    /// Conversions of one customer that bring commissions.
    pub recurring_cap: Option<i32>,
    /// Days since the customer's first sale in which conversions bring commissions.
    pub recurring_period_days: Option<i32>,
    pub approval: Approval,
    pub default_type: String,
}

impl Program {
    pub fn view(&self) -> ProgramView {
        ProgramView {
            slug: self.slug.clone(),
            title: self.title.clone(),
            currency: self.currency,
        }
    }

    /// What it says at `at`.
    pub fn terms_at(&self, at: DateTime<Utc>) -> &Terms {
        self.terms.at(at)
    }

    /// Whether it takes nothing new at `at`.
    pub fn is_retired_at(&self, at: DateTime<Utc>) -> bool {
        self.retired_at.is_some_and(|retired| retired <= at)
    }

    /// The version of a commission type that holds at `at`, be it retired or not.
    pub fn commission_type(&self, identifier: &str, at: DateTime<Utc>) -> Option<&CommissionType> {
        let versions = self
            .types
            .iter()
            .filter(|rule| rule.identifier == identifier && rule.holds_at(at));
        versions.max_by_key(|rule| rule.valid_from)
    }

    /// The version of a level that holds at `at`. Level 2 is the seller's parent.
    pub fn level(&self, level: i32, at: DateTime<Utc>) -> Option<&Level> {
        let versions = self.levels.iter().filter(|rule| rule.level == level);
        versions
            .filter(|rule| rule.valid_from.is_none_or(|from| from <= at))
            .max_by_key(|rule| rule.valid_from)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommissionType {
    pub identifier: String,
    pub title: String,
    /// `None`: from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    pub rate: Rate,
    pub group_overrides: Vec<GroupOverride>,
    pub recurrence: Recurrence,
    /// Conversions of this type count towards the customer's cap.
    pub count_towards_cap: bool,
    /// From this version on no request can name it.
    pub retired: bool,
}

/// Whether a commission comes again by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Recurrence {
    #[default]
    Once,
    Weekly,
    Monthly,
    Yearly,
}

named! { Recurrence, BonusTarget }

/// What reaching a target in a calendar month brings (seed: REST 1.6, program bonuses).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bonus {
    #[serde(skip)]
    pub identifier: String,
    pub title: String,
    pub target_type: BonusTarget,
    #[serde(deserialize_with = "target")]
    pub target: Decimal,
    #[serde(flatten)]
    pub rate: Rate,
    #[serde(default = "active")]
    pub active: bool,
    #[serde(default)]
    pub start_date: Option<NaiveDate>,
    #[serde(default)]
    pub end_date: Option<NaiveDate>,
    /// Intervals that ended before bring nothing; `None`: all may.
    #[serde(skip)]
    pub declared_at: Option<DateTime<Utc>>,
    /// Intervals that end later bring nothing.
    #[serde(skip)]
    pub retired_at: Option<DateTime<Utc>>,
}

fn active() -> bool {
    true
}

/// Catalog files declare whole targets, which are stored as JSON numbers.
fn target<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Target {
        Whole(i64),
        Exact(Decimal),
    }
    Ok(match Target::deserialize(deserializer)? {
        Target::Whole(whole) => whole.into(),
        Target::Exact(exact) => exact,
    })
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BonusTarget {
    ConversionCount,
    /// The sum of amounts in the program's currency.
    ConversionAmount,
}

impl CommissionType {
    fn holds_at(&self, at: DateTime<Utc>) -> bool {
        self.valid_from.is_none_or(|from| from <= at)
    }

    /// Whether members of `group` get another rate.
    pub fn overrides(&self, group: Option<&str>) -> bool {
        self.group_overrides
            .iter()
            .any(|over| Some(over.group_id.as_str()) == group)
    }

    /// The rate for a member of `group`.
    pub fn rate_for(&self, group: Option<&str>) -> Rate {
        let of_group = |over: &&GroupOverride| Some(over.group_id.as_str()) == group;
        self.group_overrides
            .iter()
            .find(of_group)
            .map_or(self.rate, |over| over.rate)
    }
}

/// Another rate for the affiliates of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOverride {
    pub group_id: String,
    #[serde(flatten)]
    pub rate: Rate,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub level: i32,
    pub title: String,
    pub valid_from: Option<DateTime<Utc>>,
    pub percentage: Decimal,
    /// From this version on it pays nothing.
    pub retired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affiliate {
    pub id: AffiliateId,
    pub slug: String,
    pub firstname: String,
    pub lastname: String,
    pub parent: Option<AffiliateId>,
    /// The group that it belongs to, by time.
    pub groups: Versions<Option<String>>,
    /// Its id leads nobody to it any more. What it was promised is still its.
    pub is_deleted: bool,
}

impl Affiliate {
    /// The group that it belongs to at `at`.
    pub fn group_at(&self, at: DateTime<Utc>) -> Option<&str> {
        self.groups.at(at).as_deref()
    }

    pub fn view(&self) -> AffiliateView {
        AffiliateView {
            id: self.id,
            slug: self.slug.clone(),
            firstname: self.firstname.clone(),
            lastname: self.lastname.clone(),
        }
    }
}

/// An affiliate's part in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affiliation {
    pub program: ProgramId,
    pub affiliate: AffiliateId,
    pub approved: Option<bool>,
    pub coupon_folded: Option<String>,
    pub referral_code: Option<String>,
    pub asset_id: Option<String>,
    pub source_id: Option<String>,
    /// By time. Its approval and its codes are always today's.
    pub rates: Versions<OwnRate>,
}

/// What an affiliate gets in a program instead of the program's rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnRate {
    pub rate: Option<Rate>,
    /// Whatever a request says.
    pub ignore_product_rate: bool,
}

/// The part of one organisation's catalog that a batch needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrgCatalog {
    programs: HashMap<ProgramId, Program>,
    affiliates: HashMap<AffiliateId, Affiliate>,
    affiliations: HashMap<(ProgramId, AffiliateId), Affiliation>,
    by_slug: HashMap<String, AffiliateId>,
    by_coupon: HashMap<String, (ProgramId, AffiliateId)>,
    by_referral_code: HashMap<String, (ProgramId, AffiliateId)>,
    by_source: HashMap<(String, String), (ProgramId, AffiliateId)>,
    /// The referral codes and ids that are the same in lower case.
    spellings: HashMap<String, BTreeSet<String>>,
}

impl OrgCatalog {
    pub fn add_program(&mut self, program: Program) {
        self.programs.insert(program.id, program);
    }

    pub fn add_affiliate(&mut self, affiliate: Affiliate) {
        if !affiliate.is_deleted {
            self.add_spelling(&affiliate.slug);
        }
        self.by_slug.insert(affiliate.slug.clone(), affiliate.id);
        self.affiliates.insert(affiliate.id, affiliate);
    }

    pub fn add_affiliation(&mut self, affiliation: Affiliation) {
        let at = (affiliation.program, affiliation.affiliate);
        if let Some(coupon) = affiliation.coupon_folded.clone() {
            self.by_coupon.insert(coupon, at);
        }
        if let Some(code) = affiliation.referral_code.clone() {
            self.add_spelling(&code);
            self.by_referral_code.insert(code, at);
        }
        if let (Some(asset), Some(source)) = (affiliation.asset_id.clone(), affiliation.source_id.clone()) {
            self.by_source.insert((asset, source), at);
        }
        self.affiliations.insert(at, affiliation);
    }

    fn add_spelling(&mut self, code: &str) {
        let spellings = self.spellings.entry(code.to_lowercase()).or_default();
        spellings.insert(code.to_owned());
    }

    pub fn program(&self, id: ProgramId) -> Option<&Program> {
        self.programs.get(&id)
    }

    pub fn affiliate(&self, id: AffiliateId) -> Option<&Affiliate> {
        self.affiliates.get(&id)
    }

    /// By the affiliate's public id.
    pub fn affiliate_by_slug(&self, slug: &str) -> Option<&Affiliate> {
        self.affiliates.get(self.by_slug.get(slug)?)
    }

    pub fn affiliation(&self, program: ProgramId, affiliate: AffiliateId) -> Option<&Affiliation> {
        self.affiliations.get(&(program, affiliate))
    }

    /// `folded` as by [`super::fold_coupon`].
    pub fn by_coupon(&self, folded: &str) -> Option<&Affiliation> {
        self.affiliations.get(self.by_coupon.get(folded)?)
    }

    pub fn by_source(&self, asset: &str, source: &str) -> Option<&Affiliation> {
        self.affiliations
            .get(self.by_source.get(&(asset.to_owned(), source.to_owned()))?)
    }

    /// Commissions that one line of a sale can bring: the seller's own and one per level.
    pub fn commissions_per_line(&self) -> usize {
        let levels = self.programs.values().map(|program| program.levels.len());
        1 + levels.max().unwrap_or_default()
    }

    /// The code as it is, else the only one that differs in nothing but case.
    pub fn by_referral_code(
        &self,
        code: &str,
        scope: Option<ProgramId>,
        at: DateTime<Utc>,
    ) -> Option<&Affiliation> {
        self.by_exact_code(code, scope, at).or_else(|| {
            let mut spellings = self.spellings.get(&code.to_lowercase())?.iter();
            let only = spellings.next().filter(|_| spellings.next().is_none())?;
            self.by_exact_code(only, scope, at)
        })
    }

    /// An affiliate's id also serves as referral code; in several programs the default one counts, then the oldest, but no
    /// program that is retired at `at` where there is another.
    fn by_exact_code(&self, code: &str, scope: Option<ProgramId>, at: DateTime<Utc>) -> Option<&Affiliation> {
        if let Some(at) = self.by_referral_code.get(code) {
            return self.affiliations.get(at);
        }
        let affiliate = self
            .affiliate_by_slug(code)
            .filter(|affiliate| !affiliate.is_deleted)?;
        let programs = self
            .programs
            .values()
            .filter(|program| scope.is_none_or(|scope| scope == program.id));
        let joined =
            programs.filter_map(|program| Some((program, self.affiliation(program.id, affiliate.id)?)));
        joined
            .min_by_key(|(program, _)| (program.is_retired_at(at), !program.is_default, program.id))
            .map(|(_, affiliation)| affiliation)
    }
}

/// Catalogs by organisation.
pub type Catalog = HashMap<OrgId, OrgCatalog>;
