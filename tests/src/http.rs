//! A storefront: the calls that it makes.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

/// However bad things are, an answer comes by then.
const PATIENCE: Duration = Duration::from_secs(30);
/// The key of the demo world that may do everything.
const KEY: &str = "demo-key";

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// `Null` where the body is not JSON.
    pub body: Value,
    headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A text of the body by its JSON pointer.
    pub fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("no text at {pointer} in {self:?}"))
            .to_owned()
    }

    /// A number of the body by its JSON pointer.
    pub fn number(&self, pointer: &str) -> f64 {
        let found = self.body.pointer(pointer).and_then(Value::as_f64);
        found.unwrap_or_else(|| panic!("no number at {pointer} in {self:?}"))
    }

    /// The same answer, if it has this status.
    #[expect(clippy::return_self_not_must_use, reason = "it is an assertion first")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Calls to one ingest and one api. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shop {
    http: reqwest::Client,
    pub ingest: String,
    pub api: String,
}

impl Shop {
    /// URLs without a last slash.
    pub fn new(ingest: &str, api: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        Self {
            http: http.expect("an HTTP client"),
            ingest: ingest.to_owned(),
            api: api.to_owned(),
        }
    }

    /// A sale in Yaplet's dialect, by partner-program's coupon.
    pub async fn track(&self, order: &str, total: u32) -> Answer {
        self.track_with(order, total, &[]).await
    }

    pub async fn track_with(&self, order: &str, total: u32, headers: &[(&str, &str)]) -> Answer {
        self.try_track(order, total, headers).await.expect("an answer")
    }

    /// As [`Shop::track_with`], where the server may be gone.
    pub async fn try_track(
        &self,
        order: &str,
        total: u32,
        headers: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let body = sale(order, total);
        let path = "/api/affiliates/track/PARTNER_CODE";
        let headers: Vec<_> = [("Y-API-Key", KEY)]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        self.call(
            Method::POST,
            &format!("{}{path}", self.ingest),
            &headers,
            Some(&body),
        )
        .await
    }

    /// A sale in Yaplet's dialect with everything as the caller likes it.
    pub async fn track_as(&self, key: &str, code: &str, body: &Value) -> Answer {
        let url = format!("{}/api/affiliates/track/{code}", self.ingest);
        self.call(Method::POST, &url, &[("Y-API-Key", key)], Some(body))
            .await
            .expect("an answer")
    }

    /// A postback of Tapfiliate's; `what` is `con/c` or `con/u`.
    pub async fn postback(&self, what: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}/1.7/pb/{what}/", self.ingest);
        let headers: Vec<_> = [("X-Api-Key", KEY)]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        self.call(Method::POST, &url, &headers, Some(body))
            .await
            .expect("an answer")
    }

    /// The same by GET, with a query as it stands in a link.
    pub async fn postback_link(&self, what: &str, query: &str) -> Answer {
        let url = format!("{}/1.7/pb/{what}/?{query}", self.ingest);
        self.call(Method::GET, &url, &[("X-Api-Key", KEY)], None)
            .await
            .expect("an answer")
    }

    /// Any JSON to the ingest, with a key as Bearer or without.
    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<_> = bearer.iter().map(|key| ("Authorization", key.as_str())).collect();
        self.call(
            Method::POST,
            &format!("{}{path}", self.ingest),
            &headers,
            Some(body),
        )
        .await
        .expect("an answer")
    }

    /// Many events, one JSON object a line.
    pub async fn lines(&self, lines: &str) -> Answer {
        self.lines_as(KEY, lines).await
    }

    pub async fn lines_as(&self, key: &str, lines: &str) -> Answer {
        self.lines_with(&[("X-Api-Key", key)], lines).await
    }

    /// Nobody waits for what becomes of them.
    pub async fn lines_async(&self, lines: &str) -> Answer {
        let headers = [("X-Api-Key", KEY), ("Prefer", "respond-async")];
        self.lines_with(&headers, lines).await
    }

    pub async fn lines_with(&self, headers: &[(&str, &str)], lines: &str) -> Answer {
        let mut request = self
            .http
            .post(format!("{}/v1/events", self.ingest))
            .body(lines.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await.expect("an answer")
    }

    /// A write of Tapfiliate's REST 1.6.
    pub async fn rest(&self, path: &str, body: &Value) -> Answer {
        let url = format!("{}/1.6{path}", self.ingest);
        self.call(Method::POST, &url, &[("X-Api-Key", KEY)], Some(body))
            .await
            .expect("an answer")
    }

    /// A pixel, as a browser loads it.
    pub async fn pixel(&self, query: &str) -> Answer {
        let url = format!("{}/p/demo-pixel.gif?{query}", self.ingest);
        self.call(Method::GET, &url, &[], None).await.expect("an answer")
    }

    /// A read of the api.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(path, Some(KEY)).await
    }

    pub async fn get_as(&self, path: &str, key: Option<&str>) -> Answer {
        let headers: Vec<_> = key.map(|key| ("X-Api-Key", key)).into_iter().collect();
        self.call(Method::GET, &format!("{}{path}", self.api), &headers, None)
            .await
            .expect("an answer")
    }

    /// Any call.
    pub async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Answer {
        status,
        body,
        headers,
    })
}

/// The body of a Yaplet sale. Each order has a customer of its own.
fn sale(order: &str, total: u32) -> Value {
    json!({"order_id": order, "total_amount": total, "customer": {"email": format!("{order}@example.com")}})
}
