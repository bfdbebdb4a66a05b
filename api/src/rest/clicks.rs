//! `GET /1.6/clicks/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::click_name::{ClickName, click_uuid},
    reads::rest::clicks::{self, ClickFilter, ClickRecord},
    tapfiliate_json::{Affiliate, Program, colon_time},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    pages::Asked,
    params::ListParams,
    user_agent::{Agent, agent},
};
use crate::{Api, Problem};

/// Latest first, 25 a page.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    asked: Asked,
    params: ListParams,
) -> Result<Response, Problem> {
    let page = params.page()?;
    let filter = params.clicks(key.program)?;
    let mut conn = api.connection().await?;
    let found = clicks::list(&mut conn, key.org, &filter, page).await?;
    let total = clicks::total(&mut conn, key.org, &filter);
    let position = Asked::position(page, found.len(), total).await?;
    let shown: Vec<_> = found.iter().map(Visit::from).collect();
    Ok(asked.answer(position, &shown))
}

/// By its id, which must be right in both of its parts.
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let ClickName::Ours { id, millis } = ClickName::parse(&id) else {
        return Err(Problem::not_found());
    };
    let filter = ClickFilter {
        scope: key.program,
        id: Some(id),
        ..ClickFilter::default()
    };
    let mut conn = api.connection().await?;
    let found = clicks::list(&mut conn, key.org, &filter, 1).await?;
    let click = found
        .first()
        .filter(|click| click.created_at.timestamp_millis() == millis)
        .ok_or_else(Problem::not_found)?;
    Ok(Json(Click::from(click)).into_response())
}

/// A click, as the list shows it.
#[derive(Debug, Serialize)]
struct Visit<'a> {
    id: String,
    created_at: String,
    meta_data: Vec<Pair<'a>>,
    details: Details<'a>,
    geolocation: Geolocation,
}

/// A click with what it belongs to.
#[derive(Debug, Serialize)]
struct Click<'a> {
    #[serde(flatten)]
    visit: Visit<'a>,
    affiliate: Affiliate<'a>,
    program: Program<'a>,
    link: Link<'a>,
}

#[derive(Debug, Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a Value,
}

#[derive(Debug, Serialize)]
struct Details<'a> {
    os: Option<String>,
    os_version: Option<String>,
    browser: Option<String>,
    browser_version: Option<String>,
    referrer: Option<&'a str>,
    platform: Option<&'static str>,
    landing_page_url: Option<&'a str>,
}

/// There is no database of addresses.
#[derive(Debug, Serialize)]
struct Geolocation {
    country: (),
}

#[derive(Debug, Serialize)]
struct Link<'a> {
    asset_id: Option<&'a str>,
    source_id: Option<&'a str>,
}

impl<'a> From<&'a ClickRecord> for Visit<'a> {
    fn from(click: &'a ClickRecord) -> Self {
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
            geolocation: Geolocation { country: () },
        }
    }
}

impl<'a> From<&'a ClickRecord> for Click<'a> {
    fn from(click: &'a ClickRecord) -> Self {
        Self {
            visit: Visit::from(click),
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
    use common::domain::{ClickId, MetaData};
    use serde_json::json;

    use super::*;
    use crate::rest::tests::conversion;

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
        assert_eq!(serde_json::to_value(Click::from(&click)).unwrap(), want);
        let listed = serde_json::to_value(Visit::from(&click)).unwrap();
        let mut keys: Vec<_> = listed.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["created_at", "details", "geolocation", "id", "meta_data"]);
    }
}
