//! Affiliates, alone and with their part in a program.

use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::{colon_time, null, plain_time};
use crate::domain::{
    MetaData,
    affiliate::{self, AffiliateInProgram, AffiliateRecord, Affiliation, ProgramOfAffiliate},
    country::country_name,
};

/// An affiliate as a resource of its own, nulls included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Affiliate)]
pub struct AffiliateProfile<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    company: Option<Company<'a>>,
    #[schema(required)]
    address: Option<Address<'a>>,
    #[schema(value_type = Object)]
    meta_data: &'a MetaData,
    #[schema(required)]
    parent_id: Option<&'a str>,
    #[schema(required)]
    affiliate_group_id: Option<&'a str>,
    created_at: String,
    /// Always null.
    #[schema(required, schema_with = null)]
    promoted_at: (),
    /// Always null.
    #[schema(required, schema_with = null)]
    promotion_method: (),
    #[schema(required, value_type = Option<Object>)]
    custom_fields: Option<&'a MetaData>,
}

/// An affiliate who has just been created.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::CreatedAffiliate)]
pub struct CreatedAffiliate<'a> {
    #[serde(flatten)]
    pub affiliate: AffiliateProfile<'a>,
    /// The generated one, this once; null where one was sent.
    #[schema(required)]
    pub password: Option<&'a str>,
}

/// An affiliate in a program, nulls included. Its times have the style of Postback 1.7.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::AffiliateInProgram)]
pub struct InProgram<'a> {
    #[serde(flatten)]
    affiliate: AffiliateProfile<'a>,
    referral_link: ReferralLink<'a>,
    #[schema(required)]
    coupon: Option<&'a str>,
    /// Null: waiting for a decision.
    #[schema(required)]
    approved: Option<bool>,
    applied_at: String,
}

/// A program in which an affiliate takes part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::ProgramOfAffiliate)]
pub struct JoinedProgram<'a> {
    applied_at: String,
    /// Null: waiting for a decision.
    #[schema(required)]
    approved: Option<bool>,
    #[schema(required)]
    coupon: Option<&'a str>,
    id: &'a str,
    referral_link: ReferralLink<'a>,
    title: &'a str,
    assets_amount: i64,
}

/// Where an affiliate sends visitors.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::ReferralLink)]
struct ReferralLink<'a> {
    /// The program's landing page with the referral code; null where the program has none.
    #[schema(required)]
    link: Option<String>,
    #[schema(required)]
    asset_id: Option<&'a str>,
    #[schema(required)]
    source_id: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Company)]
struct Company<'a> {
    #[schema(required)]
    name: Option<&'a str>,
    #[schema(required)]
    description: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Address)]
struct Address<'a> {
    #[serde(rename = "address")]
    #[schema(required)]
    line: Option<&'a str>,
    #[serde(rename = "address_two")]
    #[schema(required)]
    second_line: Option<&'a str>,
    #[schema(required)]
    postal_code: Option<&'a str>,
    #[schema(required)]
    city: Option<&'a str>,
    #[schema(required)]
    state: Option<&'a str>,
    #[schema(required)]
    country: Option<Country<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Country)]
struct Country<'a> {
    /// ISO 3166-1, two letters.
    code: &'a str,
    #[schema(required)]
    name: Option<&'a str>,
}

impl<'a> From<&'a AffiliateRecord> for AffiliateProfile<'a> {
    fn from(record: &'a AffiliateRecord) -> Self {
        Self {
            id: &record.slug,
            firstname: &record.firstname,
            lastname: &record.lastname,
            email: record.email.as_deref(),
            company: record.profile.company.as_ref().map(Company::from),
            address: record.profile.address.as_ref().map(Address::from),
            meta_data: &record.profile.meta_data,
            parent_id: record.parent.as_deref(),
            affiliate_group_id: record.group.as_deref(),
            created_at: plain_time(record.created_at),
            promoted_at: (),
            promotion_method: (),
            custom_fields: record.profile.custom_fields.as_ref(),
        }
    }
}

impl<'a> From<&'a AffiliateInProgram> for InProgram<'a> {
    fn from(record: &'a AffiliateInProgram) -> Self {
        let AffiliateInProgram { affiliate, part } = record;
        Self {
            affiliate: AffiliateProfile {
                created_at: colon_time(affiliate.created_at),
                ..AffiliateProfile::from(affiliate)
            },
            referral_link: ReferralLink::from(part),
            coupon: part.coupon.as_deref(),
            approved: part.approved,
            applied_at: colon_time(part.applied_at),
        }
    }
}

impl<'a> From<&'a ProgramOfAffiliate> for JoinedProgram<'a> {
    fn from(program: &'a ProgramOfAffiliate) -> Self {
        let part = &program.part;
        Self {
            applied_at: colon_time(part.applied_at),
            approved: part.approved,
            coupon: part.coupon.as_deref(),
            id: &program.slug,
            referral_link: ReferralLink::from(part),
            title: &program.title,
            assets_amount: program.assets,
        }
    }
}

impl<'a> From<&'a Affiliation> for ReferralLink<'a> {
    fn from(part: &'a Affiliation) -> Self {
        let page = part.landing_page.as_deref();
        Self {
            link: page.and_then(|page| link(page, &part.referral_code)),
            asset_id: part.asset_id.as_deref(),
            source_id: part.source_id.as_deref(),
        }
    }
}

/// `page` with `ref=CODE` behind what its query has. `None`: it is no address.
fn link(page: &str, code: &str) -> Option<String> {
    let mut url = Url::parse(page).ok()?;
    url.query_pairs_mut().append_pair("ref", code);
    Some(url.into())
}

impl<'a> From<&'a affiliate::Company> for Company<'a> {
    fn from(company: &'a affiliate::Company) -> Self {
        Self {
            name: company.name.as_deref(),
            description: company.description.as_deref(),
        }
    }
}

impl<'a> From<&'a affiliate::Address> for Address<'a> {
    fn from(address: &'a affiliate::Address) -> Self {
        Self {
            line: address.line.as_deref(),
            second_line: address.second_line.as_deref(),
            postal_code: address.postal_code.as_deref(),
            city: address.city.as_deref(),
            state: address.state.as_deref(),
            country: address.country.as_ref().map(Country::from),
        }
    }
}

impl<'a> From<&'a affiliate::Country> for Country<'a> {
    fn from(country: &'a affiliate::Country) -> Self {
        let own = country.name.as_deref();
        Self {
            code: &country.code,
            name: own.or_else(|| country_name(&country.code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_what_the_page_has() {
        for (page, want) in [
            ("https://tapper.inc/p/", Some("https://tapper.inc/p/?ref=nwjinmy")),
            (
                "https://tapper.inc/?a=1#top",
                Some("https://tapper.inc/?a=1&ref=nwjinmy#top"),
            ),
            ("no address", None),
        ] {
            assert_eq!(link(page, "nwjinmy").as_deref(), want, "{page}");
        }
    }
}
