//! Customers.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Affiliate, Click, CustomerStatus, Program, colon_time, warnings};
use crate::domain::{CustomerRecord, MetaData, PublicId, PublicIdKind};

/// A customer, nulls included. Postback 1.7 prints the same but for the time of its click.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Customer)]
pub struct Customer<'a> {
    id: String,
    /// The merchant's own id.
    #[serde(rename = "customer_id")]
    #[schema(required)]
    external_id: Option<&'a str>,
    #[schema(value_type = CustomerStatus)]
    status: &'a str,
    created_at: String,
    #[schema(required)]
    click: Option<Click<'a>>,
    program: Program<'a>,
    affiliate: Affiliate<'a>,
    /// What the affiliate attached to the click.
    #[schema(required, value_type = Option<Object>)]
    affiliate_meta_data: Option<&'a MetaData>,
    #[schema(value_type = Object)]
    meta_data: &'a MetaData,
    /// Null or a list, never an empty one.
    #[schema(required)]
    warnings: Option<&'a [String]>,
}

impl<'a> From<&'a CustomerRecord> for Customer<'a> {
    fn from(view: &'a CustomerRecord) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Customer, view.id.0).to_string(),
            external_id: view.customer_id.as_deref(),
            status: &view.status,
            created_at: colon_time(view.created_at),
            click: view.click.as_ref().map(Click::from),
            program: Program::from(&view.program),
            affiliate: Affiliate::from(&view.affiliate),
            affiliate_meta_data: view.affiliate_meta_data.as_ref(),
            meta_data: &view.meta_data,
            warnings: warnings(&view.warnings),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::domain::{AffiliateId, AffiliateView, ClickSummary, CustomerId, ProgramView};

    #[test]
    fn a_customer_has_the_shape_of_the_seed() {
        let usd = "USD".parse().unwrap();
        let record = CustomerRecord {
            id: CustomerId(5),
            customer_id: Some("USER123".into()),
            status: "trial".into(),
            created_at: DateTime::from_timestamp(1_625_219_720, 0).unwrap(),
            click: Some(ClickSummary {
                created_at: DateTime::from_timestamp(1_614_775_159, 0).unwrap(),
                referrer: Some("https://example-blog.inc/".into()),
                landing_page: None,
            }),
            program: ProgramView {
                slug: "johns-affiliate-program".into(),
                title: "John's affiliate program".into(),
                currency: usd,
            },
            affiliate: AffiliateView {
                id: AffiliateId(1),
                slug: "janejameson".into(),
                firstname: "Jane".into(),
                lastname: "Jameson".into(),
            },
            affiliate_meta_data: Some(MetaData::from_iter([("subid1".into(), "baz".into())])),
            meta_data: MetaData::new(),
            warnings: Vec::new(),
        };
        assert_eq!(
            serde_json::to_value(Customer::from(&record)).unwrap(),
            json!({
                "id": PublicId::new(PublicIdKind::Customer, 5).to_string(), "customer_id": "USER123", "status": "trial",
                "created_at": "2021-07-02T09:55:20+00:00",
                "click": {
                    "created_at": "2021-03-03T12:39:19+0000", "referrer": "https://example-blog.inc/",
                    "landing_page": null
                },
                "program": {
                    "id": "johns-affiliate-program", "title": "John's affiliate program", "currency": "USD"
                },
                "affiliate": {"id": "janejameson", "firstname": "Jane", "lastname": "Jameson"},
                "affiliate_meta_data": {"subid1": "baz"}, "meta_data": {}, "warnings": null
            })
        );
    }
}
