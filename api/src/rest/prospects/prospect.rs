//! A prospect, as it is printed.

use common::{
    domain::prospect::{ProspectAddress, ProspectCompany},
    reads::rest::prospects::ProspectView,
    tapfiliate_json::colon_time,
};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) const PROSPECT_EXAMPLE: &str = include_str!("../examples/prospect.json");

#[derive(Serialize, ToSchema)]
#[schema(as = rest::Prospect)]
pub(super) struct Prospect<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    company: Option<&'a ProspectCompany>,
    #[schema(required)]
    address: Option<&'a ProspectAddress>,
    signup_source: &'a str,
    referral_link: ReferralLink<'a>,
    created_at: String,
    #[schema(required)]
    promoted_at: Option<String>,
    #[schema(required)]
    promotion_method: Option<&'a str>,
}

/// Where a prospect sends visitors.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::ProspectLink)]
struct ReferralLink<'a> {
    /// The program's landing page with the referral code; null where the program has none.
    #[schema(required)]
    link: Option<String>,
    #[schema(required)]
    asset_id: Option<&'a str>,
    #[schema(required)]
    source_id: Option<&'a str>,
}

impl<'a> From<&'a ProspectView> for Prospect<'a> {
    fn from(view: &'a ProspectView) -> Self {
        let page = view.landing_page.as_deref();
        Self {
            id: &view.slug,
            firstname: &view.firstname,
            lastname: &view.lastname,
            email: view.email.as_deref(),
            company: view.profile.company.as_ref(),
            address: view.profile.address.as_ref(),
            signup_source: &view.signup_source,
            referral_link: ReferralLink {
                link: page.map(|page| referral_link(page, &view.referral_code)),
                asset_id: view.asset_id.as_deref(),
                source_id: view.source_id.as_deref(),
            },
            created_at: colon_time(view.created_at),
            promoted_at: view.promoted_at.map(colon_time),
            promotion_method: view.promotion_method.as_deref(),
        }
    }
}

/// The page with `ref`, before its fragment.
fn referral_link(page: &str, code: &str) -> String {
    let (page, fragment) = match page.split_once('#') {
        Some((page, fragment)) => (page, format!("#{fragment}")),
        None => (page, String::new()),
    };
    let separator = if page.contains('?') { '&' } else { '?' };
    format!("{page}{separator}ref={code}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_added_to_the_landing_page() {
        for (page, want) in [
            ("https://t.inc/p/", "https://t.inc/p/?ref=c0d"),
            ("https://t.inc/p?a=1#top", "https://t.inc/p?a=1&ref=c0d#top"),
        ] {
            assert_eq!(referral_link(page, "c0d"), want);
        }
    }
}
