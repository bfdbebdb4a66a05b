//! `GET /1.6/clicks/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use common::{
    db::keys::ApiKey,
    domain::{
        ProgramId,
        click_name::{ClickName, click_uuid},
    },
    http::openapi::example,
    reads::rest::clicks::{self, ClickFilter, ClickRecord},
    tapfiliate_json::{Affiliate, Program, colon_time},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    pages::{PageParams, PageRequest},
    params::{Params, day, flag, text, whole_days},
    user_agent::{Agent, agent},
};
use crate::{Api, GeoIp, Problem, path_id::PathId};

/// What a list may be restricted to (seed: REST 1.6).
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct Filter {
    /// Without effect: all times are UTC.
    #[serde(rename = "use_profile_timezone", deserialize_with = "flag")]
    #[param(example = false)]
    _use_profile_timezone: Option<bool>,
    /// First day, in UTC.
    #[serde(deserialize_with = "day")]
    #[param(example = "2022-01-01")]
    date_from: Option<NaiveDate>,
    /// Last day, in UTC, inclusive.
    #[serde(deserialize_with = "day")]
    #[param(example = "2025-12-31")]
    date_to: Option<NaiveDate>,
    /// Only those whose meta data have this key.
    #[serde(rename = "meta_data[key]", deserialize_with = "text")]
    meta_key: Option<String>,
    /// Only those whose meta data have this value under `meta_data[key]`.
    #[serde(rename = "meta_data[value]", deserialize_with = "text")]
    meta_value: Option<String>,
    /// The program.
    #[serde(deserialize_with = "text")]
    #[param(example = "johns-affiliate-program")]
    program_id: Option<String>,
    /// The affiliate.
    #[serde(deserialize_with = "text")]
    #[param(example = "janejameson")]
    affiliate_id: Option<String>,
}

impl Filter {
    /// Within the program that the key is bound to.
    ///
    /// # Errors
    /// A value without its key is a 400.
    fn within(self, scope: Option<ProgramId>) -> Result<ClickFilter, Problem> {
        if self.meta_key.is_none() && self.meta_value.is_some() {
            return Err(Problem::bad_request("meta_data[value] needs meta_data[key]"));
        }
        let (from, until) = whole_days(self.date_from, self.date_to);
        Ok(ClickFilter {
            scope,
            program: self.program_id,
            affiliate: self.affiliate_id,
            from,
            until,
            meta_key: self.meta_key,
            meta_value: self.meta_value,
        })
    }
}

/// List clicks
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/clicks",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams, Filter),
    responses((
        status = 200,
        body = Vec<Visit<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(include_str!("examples/listed_click.json"))])
    ))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    let filter = filter.within(key.program)?;
    let mut conn = api.connection().await?;
    let page = clicks::list(&mut conn, key.org, &filter, request.number).await?;
    let geoip = api.geoip.as_ref();
    Ok(request.answer(&page, |click| Visit::new(click, geoip)))
}

/// A click
// By its id, which must be right in both of its parts.
#[utoipa::path(
    get,
    path = "/1.6/clicks/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its UUID.", example = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")),
    responses((status = 200, body = Click<'_>, example = json!(example(include_str!("examples/click.json")))))
)]
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let ClickName::Ours { id, millis } = ClickName::parse(&id) else {
        return Err(Problem::not_found());
    };
    let mut conn = api.connection().await?;
    let click = clicks::find(&mut conn, key.org, key.program, id)
        .await?
        .filter(|click| click.created_at.timestamp_millis() == millis)
        .ok_or_else(Problem::not_found)?;
    Ok(Json(Click::new(&click, api.geoip.as_ref())).into_response())
}

/// A click, as the list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::ListedClick)]
struct Visit<'a> {
    id: String,
    created_at: String,
    meta_data: Vec<Pair<'a>>,
    details: Details<'a>,
    geolocation: Geolocation,
}

/// A click with what it belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Click)]
struct Click<'a> {
    #[serde(flatten)]
    visit: Visit<'a>,
    affiliate: Affiliate<'a>,
    program: Program<'a>,
    link: Link<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::MetaDataPair)]
struct Pair<'a> {
    key: &'a str,
    #[schema(value_type = Value)]
    value: &'a Value,
}

/// Null is what the user agent does not tell.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::ClickDetails)]
struct Details<'a> {
    #[schema(required)]
    os: Option<String>,
    #[schema(required)]
    os_version: Option<String>,
    #[schema(required)]
    browser: Option<String>,
    /// The major one.
    #[schema(required)]
    browser_version: Option<String>,
    #[schema(required)]
    referrer: Option<&'a str>,
    #[schema(required)]
    platform: Option<&'static str>,
    #[schema(required)]
    landing_page_url: Option<&'a str>,
}

/// By the address that was sent with the click.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Geolocation)]
struct Geolocation {
    /// Its name; null where no GeoIP database is configured, or does not know the address.
    #[schema(required)]
    country: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::ClickLink)]
struct Link<'a> {
    #[schema(required)]
    asset_id: Option<&'a str>,
    #[schema(required)]
    source_id: Option<&'a str>,
}

impl<'a> Visit<'a> {
    fn new(click: &'a ClickRecord, geoip: Option<&GeoIp>) -> Self {
        let country = geoip.and_then(|geoip| geoip.country(click.ip.as_deref()?));
        let agent = click.user_agent.as_deref().map_or_else(Agent::default, agent);
        Self {
            id: click_uuid(click.id, click.created_at).to_string(),
            created_at: colon_time(click.created_at),
            meta_data: click
                .meta_data
                .iter()
                .map(|(key, value)| Pair { key, value })
                .collect(),
            details: Details {
                os: agent.os,
                os_version: agent.os_version,
                browser: agent.browser,
                browser_version: agent.browser_version,
                referrer: click.referrer.as_deref(),
                platform: agent.platform,
                landing_page_url: click.landing_page.as_deref(),
            },
            geolocation: Geolocation { country },
        }
    }
}

impl<'a> Click<'a> {
    fn new(click: &'a ClickRecord, geoip: Option<&GeoIp>) -> Self {
        Self {
            visit: Visit::new(click, geoip),
            affiliate: Affiliate::from(&click.affiliate),
            program: Program::from(&click.program),
            link: Link {
                asset_id: click.asset_id.as_deref(),
                source_id: click.source_id.as_deref(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use common::{
        domain::{ClickId, MetaData},
        testing,
    };
    use serde_json::json;

    use super::*;
    use crate::{
        geoip::example,
        rest::{params::read, tests::conversion},
        testing::Client,
    };

    #[test]
    fn meta_data_are_found_by_their_key() {
        let filter = |query: &str| {
            let filter: Filter = read(&format!("/1.6/clicks/?{query}").parse().unwrap()).unwrap();
            filter.within(Some(ProgramId(3)))
        };
        let both = filter("meta_data[key]=subid1&meta_data%5Bvalue%5D=baz").unwrap();
        assert_eq!(
            (both.meta_key.as_deref(), both.meta_value.as_deref()),
            (Some("subid1"), Some("baz"))
        );
        assert_eq!(both.scope, Some(ProgramId(3)));
        assert!(filter("meta_data[value]=baz").is_err());
    }

    #[test]
    fn a_click_has_the_shape_of_the_seed() {
        let sale = conversion();
        let click = ClickRecord {
            id: ClickId(7),
            created_at: DateTime::from_timestamp(1_702_512_000, 0).unwrap(),
            meta_data: MetaData::from_iter([("subid1".into(), "baz".into())]),
            user_agent: Some(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_1) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/81.0.4044.92 Safari/537.36"
                    .into(),
            ),
            ip: Some("8.8.8.8".into()),
            referrer: Some("https://duckduckgo.com".into()),
            landing_page: Some("https://shop.example/".into()),
            program: sale.program,
            affiliate: sale.affiliate,
            asset_id: Some("1-aaaaaa".into()),
            source_id: Some("1-ssssss".into()),
        };
        let want = json!({
            "id": click_uuid(click.id, click.created_at).to_string(), "created_at": "2023-12-14T00:00:00+00:00",
            "meta_data": [{"key": "subid1", "value": "baz"}],
            "details": {
                "os": "Mac OS X", "os_version": "10.15.1", "browser": "Chrome", "browser_version": "81",
                "referrer": "https://duckduckgo.com", "platform": "Desktop",
                "landing_page_url": "https://shop.example/"
            },
            "geolocation": {"country": null},
            "affiliate": {"id": "janejameson", "firstname": "Jane", "lastname": "Jameson"},
            "program": {
                "id": "johns-affiliate-program", "title": "John's affiliate program", "currency": "USD"
            },
            "link": {"asset_id": "1-aaaaaa", "source_id": "1-ssssss"}
        });
        assert_eq!(serde_json::to_value(Click::new(&click, None)).unwrap(), want);
        let listed = serde_json::to_value(Visit::new(&click, None)).unwrap();
        let mut keys: Vec<_> = listed.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["created_at", "details", "geolocation", "id", "meta_data"]);
    }

    #[tokio::test]
    async fn a_click_has_a_country_where_a_database_knows_its_address() {
        let database = testing::database().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countries.mmdb");
        std::fs::write(&file, example::countries()).unwrap();
        let without = Client::over(&database.pool);
        let client = Client::of(&database.pool, |api| {
            api.with_geoip(Some(GeoIp::open(&file).unwrap()))
        });
        for ip in ["8.8.8.8", "81.2.x.x"] {
            let body = json!({"click": {"referral_code": "nwjinmy", "details": {"ip": ip}}});
            client.apply(serde_json::from_value(body).unwrap()).await;
        }
        let listed = client.get("/1.6/clicks/").await.json;
        let countries: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|click| &click["geolocation"])
            .collect();
        assert_eq!(
            countries,
            [&json!({"country": null}), &json!({"country": "United States"})]
        );
        let path = format!("/1.6/clicks/{}/", listed[1]["id"].as_str().unwrap());
        assert_eq!(
            client.get(&path).await.json["geolocation"],
            json!({"country": "United States"})
        );
        assert_eq!(
            without.get(&path).await.json["geolocation"],
            json!({"country": null})
        );
    }
}
