//! Whatever is sent is an event or is turned away: no reader of a request panics, runs on, or makes an event that cannot be read back.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, Request, Uri},
};
use common::{fuzzing::fuzz, keyring::Keys, message::Envelope};

use super::{KEY, Service, demo_keys, snapshot};
use crate::pipeline::Answer;

/// A good request of each kind: its first line, its headers, its body.
const GOOD: &[&str] = &[
    "POST /api/affiliates/track/CODE10\ncontent-type: application/json\n\n{\"order_id\":\"o\",\"total_amount\":10.5,\"customer\":{\"email\":\"a@b.example\",\"name\":\"A\"},\"timestamp\":1790000000,\"metadata\":{\"a\":[1,{\"b\":null}]},\"product\":{\"id\":\"p\"}}",
    "GET /1.7/pb/con/c/?coupon=C&amount=1.50&external_id=o&currency=USD&meta_data%5Bnote%5D=caf%C3%A9&customer_id=c\nprefer: wait=1\n\n",
    "POST /1.7/pb/con/c/\ncontent-type: application/x-www-form-urlencoded; charset=iso-8859-1\nidempotency-key: k1\n\nreferral_code=x&amount=1%2C50&external_id=o&meta_data[a][b]=1&meta_data[a][]=2&l=%e9",
    "POST /1.7/pb/con/u/\ncontent-type: multipart/form-data; boundary=b\n\n--b\r\nContent-Disposition: form-data; name=\"external_id\"\r\n\r\no\r\n--b\r\nContent-Disposition: form-data; name=\"amount\"\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n1\r\n--b--\r\n",
    "GET /1.7/pb/cus/c/?referral_code=x&customer_id=c&status=trial\n\n",
    "GET /1.7/pb/cus/u/?customer_id=c&new_customer_id=d\n\n",
    "POST /1.6/conversions/\ncontent-type: application/json\n\n{\"external_id\":\"o\",\"amount\":1,\"coupon\":\"C\",\"commissions\":[{\"sub_amount\":1,\"commission_type\":\"x\"}],\"customer\":{\"id\":\"c\"},\"meta_data\":{\"a\":1}}",
    "POST /1.6/customers/\n\n{\"customer_id\":\"c\",\"referral_code\":\"x\",\"meta_data\":{}}",
    "POST /1.6/clicks/\n\n{\"referral_code\":\"x\",\"landing_page\":\"https://a.example/?b=c\",\"user_agent\":\"Mozilla/5.0\",\"ip\":\"192.0.2.1\"}",
    "POST /1.6/conversions/7/commissions/\n\n[{\"conversion_sub_amount\":1,\"commission_type\":\"x\",\"comment\":\"y\"}]",
    "POST /api/v1/track/sale\ncontent-type: application/json\n\n{\"customer_key\":\"c\",\"amount_cents\":100,\"transaction_id\":\"o\",\"currency\":\"USD\",\"is_recurring\":true,\"metadata\":{}}",
    "POST /api/v1/track/click\n\n{\"page_url\":\"https://tapper.inc/pricing?aff=abc\",\"affiliate_code\":\"abc\"}",
    "POST /api/v1/track/lead\n\n{\"click_id\":\"cust_1_2\",\"email\":\"a@b.example\",\"customer_key\":\"c\"}",
    "POST /api/v1/track/refund\n\n{\"transaction_id\":\"o\",\"amount_cents\":50,\"refund_id\":\"r\"}",
    "POST /api/v1/cli/test-event\n\n{\"type\":\"chain\"}",
    "POST /api/v1/tracking/click\n\n{\"clientId\":12345,\"affiliateId\":\"a\",\"clickId\":\"k\",\"sessionId\":\"s\"}",
    "POST /api/v1/tracking/lead/payment\n\n{\"clientId\":12345,\"clickId\":\"k\",\"amount\":1,\"currency\":\"USD\",\"transactionId\":\"o\",\"customerId\":\"c\"}",
    "POST /api/v1/tracking/registration\n\n{\"clientId\":12345,\"clickId\":\"k\",\"customerId\":\"c\"}",
    "GET /p/demo-pixel.gif?coupon=C&amount=1&external_id=o&sig=00\n\n",
    "POST /v1/events\n\n{\"external_id\":\"o\",\"coupon\":\"C\",\"amount\":1,\"timestamp\":\"2026-11-20T08:51:10+01:00\"}\n{\"type\":\"refund\",\"external_id\":\"o\",\"amount\":\"0.5\"}\n\n{\"type\":\"customer\",\"customer_id\":\"c\"}",
];

/// What a client sends beside what is tried.
const KEYS: [(&str, &str); 3] = [
    ("x-api-key", KEY),
    ("y-api-key", KEY),
    ("authorization", "Bearer demo-key"),
];

/// The request of such a text; `None`: no server would take it for one.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let end = bytes
        .windows(2)
        .position(|two| two == b"\n\n")
        .unwrap_or(bytes.len());
    let (head, body) = (&bytes[..end], bytes.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let (method, uri) = (first.next()?, Uri::try_from(first.next()?).ok()?);
    let mut request = Request::builder().method(method).uri(uri);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        if !KEYS.iter().any(|(key, _)| name == *key) {
            request = request.header(
                name,
                HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
            );
        }
    }
    for (name, value) in KEYS {
        request = request.header(name, value);
    }
    request.body(Body::from(body.to_vec())).ok()
}

/// Sends it; what it submits must be as a worker reads it.
async fn send(service: &mut Service, request: Request<Body>) {
    let mut response = std::pin::pin!(tower::ServiceExt::oneshot(service.router.clone(), request));
    let response = loop {
        tokio::select! {
            response = &mut response => break response.unwrap(),
            Some(submission) = service.submissions.recv() => {
                let encoded = serde_json::to_vec(&submission.event).unwrap();
                let envelope = Envelope::join("fuzz", None, &[encoded]);
                assert_eq!(Envelope::decode(&envelope).unwrap().events, [submission.event]);
                // Who has gone hears nothing.
                submission.answer.send(Answer::Accepted).ok();
            }
        }
    };
    let status = response.status();
    assert_ne!(status.as_u16(), 500, "a panic");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(body.len() <= 4 * 1024 * 1024, "{status} has {} bytes", body.len());
}

#[test]
fn whatever_is_sent_is_an_event_or_is_turned_away() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let good: Vec<Vec<u8>> = GOOD.iter().map(|text| text.as_bytes().to_vec()).collect();
    for text in &good {
        assert!(request(text).is_some(), "{}", String::from_utf8_lossy(text));
    }
    let _entered = runtime.enter();
    let service = std::cell::RefCell::new(Service::with_keys(Keys::new(Box::new(|| {
        Box::pin(async {
            let mut keys = demo_keys();
            for key in &mut keys {
                key.rate_per_minute = u32::MAX;
            }
            Ok(snapshot(keys))
        })
    }))));
    fuzz(&good, |bytes| {
        if let Some(request) = request(bytes) {
            runtime.block_on(send(&mut service.borrow_mut(), request));
        }
    });
}
