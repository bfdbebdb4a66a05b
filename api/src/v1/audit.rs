//! `GET /v1/audit`: who changed what.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, middleware::from_fn_with_state};
use chrono::{DateTime, Utc};
use common::{
    db::keys::{ApiKey, Scope},
    http::openapi::example,
    reads::audit::{self, AuditEntry, AuditFilter},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::moment::moment;
use crate::{
    Api, Problem,
    auth::{Guard, guard, needs_whole_organisation},
    rest::{
        pages::NoPages,
        params::{Params, text},
    },
};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Admin],
    };
    OpenApiRouter::default()
        .routes(routes!(audit))
        .route_layer(from_fn_with_state(needs, guard))
}

/// Which entries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Filter {
    /// A thing, or a kind of things: what is below it is meant, too.
    #[serde(deserialize_with = "text")]
    #[param(example = "affiliate/janejameson")]
    subject: Option<String>,
    /// An action, or what it begins with before a point.
    #[serde(deserialize_with = "text")]
    #[param(example = "key.create")]
    action: Option<String>,
    /// The owner of the key, the user at the command line, or `key`, `cli` or `catalog`.
    #[serde(deserialize_with = "text")]
    #[param(example = "John Tapper")]
    actor: Option<String>,
    /// From this day (in UTC) or time on.
    #[serde(deserialize_with = "moment")]
    #[param(value_type = Option<String>, example = "2026-11-01")]
    since: Option<DateTime<Utc>>,
    /// The `next` of the page before.
    #[serde(deserialize_with = "number")]
    #[param(minimum = 1)]
    before: Option<i64>,
    /// How many at most.
    #[serde(deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, example = 50)]
    limit: Option<u32>,
}

fn number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<i64>, D::Error> {
    let number = String::deserialize(value)?.parse().ok();
    match number.filter(|number| *number > 0) {
        Some(number) => Ok(Some(number)),
        None => Err(D::Error::custom("must be a number from 1 on")),
    }
}

fn limit<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    let limit = String::deserialize(value)?.parse().ok();
    match limit.filter(|limit| (1..=MAX_LIMIT).contains(limit)) {
        Some(limit) => Ok(Some(limit)),
        None => Err(D::Error::custom("must be a number from 1 to 200")),
    }
}

/// A page of the trail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::AuditPage)]
struct AuditPage {
    /// Latest first.
    entries: Vec<AuditEntry>,
    /// What to send as `before` for the next page; null: this is the last.
    #[schema(required)]
    next: Option<i64>,
}

/// Who changed what
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(Filter),
    responses((status = 200, body = AuditPage, example = json!(example(include_str!("examples/audit.json")))))
)]
async fn audit(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    NoPages: NoPages,
    Params(filter): Params<Filter>,
) -> Result<Json<AuditPage>, Problem> {
    needs_whole_organisation(&key)?;
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    let filter = AuditFilter {
        org: Some(key.org),
        subject: filter.subject,
        action: filter.action,
        actor: filter.actor,
        since: filter.since,
        before: filter.before,
    };
    let mut conn = api.connection().await?;
    // One more tells whether there is a next page.
    let mut entries = audit::list(&mut conn, &filter, limit + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| is_more).map(|last| last.entry);
    Ok(Json(AuditPage { entries, next }))
}

#[cfg(test)]
mod tests {
    use common::testing;
    use serde_json::json;

    use crate::testing::Client;

    #[tokio::test]
    async fn the_trail_comes_in_pages_and_each_tenant_has_its_own() {
        let database = testing::database().await;
        let client = Client::over(&database.pool);
        let all = client.get("/v1/audit?limit=200").await;
        assert_eq!(all.status, 200, "{}", all.json);
        let all = all.json["entries"].as_array().unwrap().clone();
        assert!(
            all.iter()
                .all(|entry| entry["org"] == "demo" && entry["actor_kind"] == "catalog")
        );
        let (mut paged, mut path) = (Vec::new(), "/v1/audit?limit=7".to_owned());
        loop {
            let page = client.get(&path).await.json;
            paged.extend(page["entries"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_i64() else {
                break;
            };
            path = format!("/v1/audit?limit=7&before={next}");
        }
        assert_eq!(paged, all);
        let other = client.with_key("other-key").get("/v1/audit?limit=200").await.json;
        let other = other["entries"].as_array().unwrap().clone();
        assert!(!other.is_empty() && other.iter().all(|entry| entry["org"] == "other"));
    }

    #[tokio::test]
    async fn entries_are_found_by_what_and_who() {
        let database = testing::database().await;
        let client = Client::over(&database.pool);
        let id = client
            .convert(json!({"coupon": "JANE10OFF", "amount": 100}))
            .await;
        let approve = format!("/1.6/commissions/{id}/approved/");
        assert_eq!(client.put(&approve, &json!({})).await.status, 200);
        for (query, want) in [
            (format!("subject=commission/{id}"), 1),
            ("subject=commission&actor=key".to_owned(), 1),
            ("actor=John%20Tapper&since=2001-01-01".to_owned(), 1),
            (
                "actor=catalog&subject=affiliate/janejameson&action=affiliate".to_owned(),
                1,
            ),
            ("action=nothing".to_owned(), 0),
            ("since=2999-01-01T00:00:00Z".to_owned(), 0),
        ] {
            let found = client.get(&format!("/v1/audit?{query}")).await.json;
            assert_eq!(
                found["entries"].as_array().unwrap().len(),
                want,
                "{query}: {found}"
            );
        }
        for query in [
            "since=yesterday",
            "before=0",
            "page=0",
            "limit=201",
            "subject=a%00b",
        ] {
            assert_eq!(
                client.get(&format!("/v1/audit?{query}")).await.status,
                400,
                "{query}"
            );
        }
        for key in ["demo-read-key", "demo-program-key", "locked-key"] {
            assert_eq!(client.with_key(key).get("/v1/audit").await.status, 403, "{key}");
        }
        assert_eq!(client.with_key("wrong").get("/v1/audit").await.status, 401);
    }
}
