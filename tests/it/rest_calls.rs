//! Every call that REST 1.6 documents is described, and served by one of the two planes.

use commissary_tests::{Queue, World};
use reqwest::Method;
use serde_json::Value;

/// Methods and paths below `/1.6`, as documented.
const CALLS: [(&str, &str); 78] = [
    ("GET", "/customers/{id}/"),
    ("PATCH", "/customers/{id}/"),
    ("DELETE", "/customers/{id}/"),
    ("GET", "/customers/"),
    ("POST", "/customers/"),
    ("DELETE", "/customers/{id}/status/"),
    ("PUT", "/customers/{id}/status/"),
    ("GET", "/customers/{id}/meta-data/"),
    ("PUT", "/customers/{id}/meta-data/"),
    ("GET", "/customers/{id}/meta-data/{key}/"),
    ("PUT", "/customers/{id}/meta-data/{key}/"),
    ("DELETE", "/customers/{id}/meta-data/{key}/"),
    ("GET", "/conversions/{id}/"),
    ("PATCH", "/conversions/{id}/"),
    ("DELETE", "/conversions/{id}/"),
    ("GET", "/conversions/"),
    ("POST", "/conversions/"),
    ("POST", "/conversions/{id}/commissions/"),
    ("GET", "/conversions/{id}/meta-data/"),
    ("PUT", "/conversions/{id}/meta-data/"),
    ("GET", "/conversions/{id}/meta-data/{key}/"),
    ("PUT", "/conversions/{id}/meta-data/{key}/"),
    ("DELETE", "/conversions/{id}/meta-data/{key}/"),
    ("GET", "/commissions/{id}/"),
    ("PATCH", "/commissions/{id}/"),
    ("GET", "/commissions/"),
    ("PUT", "/commissions/{id}/approved/"),
    ("DELETE", "/commissions/{id}/approved/"),
    ("GET", "/affiliates/{id}/"),
    ("DELETE", "/affiliates/{id}/"),
    ("GET", "/affiliates/"),
    ("POST", "/affiliates/"),
    ("PUT", "/affiliates/{id}/group/"),
    ("DELETE", "/affiliates/{id}/group/"),
    ("PUT", "/affiliates/{id}/notes/{note}/"),
    ("DELETE", "/affiliates/{id}/notes/{note}/"),
    ("GET", "/affiliates/{id}/notes/"),
    ("POST", "/affiliates/{id}/notes/"),
    ("GET", "/affiliates/{id}/meta-data/"),
    ("PUT", "/affiliates/{id}/meta-data/"),
    ("GET", "/affiliates/{id}/meta-data/{key}/"),
    ("PUT", "/affiliates/{id}/meta-data/{key}/"),
    ("DELETE", "/affiliates/{id}/meta-data/{key}/"),
    ("GET", "/affiliates/{id}/payout-methods/{method}/"),
    ("PUT", "/affiliates/{id}/payout-methods/{method}/"),
    ("GET", "/affiliates/{id}/payout-methods/"),
    ("POST", "/affiliates/{id}/parent/"),
    ("DELETE", "/affiliates/{id}/parent/"),
    ("GET", "/affiliates/{id}/balances/"),
    ("GET", "/affiliates/{id}/payments/"),
    ("GET", "/affiliates/{id}/programs/"),
    ("GET", "/affiliates/custom-fields/"),
    ("GET", "/affiliate-groups/"),
    ("POST", "/affiliate-groups/"),
    ("PATCH", "/affiliate-groups/{id}/"),
    ("GET", "/affiliate-prospects/"),
    ("POST", "/affiliate-prospects/"),
    ("GET", "/affiliate-prospects/{id}/"),
    ("DELETE", "/affiliate-prospects/{id}/"),
    ("GET", "/programs/{id}/"),
    ("GET", "/programs/"),
    ("GET", "/programs/{id}/affiliates/"),
    ("POST", "/programs/{id}/affiliates/"),
    ("GET", "/programs/{id}/affiliates/{affiliate}/"),
    ("PATCH", "/programs/{id}/affiliates/{affiliate}/"),
    ("PUT", "/programs/{id}/affiliates/{affiliate}/approved/"),
    ("DELETE", "/programs/{id}/affiliates/{affiliate}/approved/"),
    ("GET", "/programs/{id}/commission-types/"),
    ("GET", "/programs/{id}/levels/"),
    ("GET", "/programs/{id}/bonuses/"),
    ("GET", "/balances/"),
    ("GET", "/payments/{id}/"),
    ("DELETE", "/payments/{id}/"),
    ("GET", "/payments/"),
    ("POST", "/payments/"),
    ("GET", "/clicks/"),
    ("POST", "/clicks/"),
    ("GET", "/clicks/{id}/"),
];

/// The segments of a path, with one sign for all parameters.
fn segments(path: &str) -> Vec<&str> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| if segment.starts_with('{') { "{}" } else { segment })
        .collect()
}

fn is_described(document: &Value, method: &str, path: &str) -> bool {
    let method = method.to_ascii_lowercase();
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .any(|(described, item)| segments(described) == segments(path) && item.get(&method).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_documented_call_is_described_and_served() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    let document = shop.get_as("/openapi.json", None).await.expect(200).body;
    for (method, path) in CALLS {
        let path = format!("/1.6{path}");
        assert!(
            is_described(&document, method, &path),
            "{method} {path} is not described"
        );
        let sent = path.replace(['{', '}'], "");
        let method: Method = method.parse().unwrap();
        let mut statuses = Vec::new();
        for plane in [&shop.api, &shop.ingest] {
            let answer = shop
                .call(method.clone(), &format!("{plane}{sent}"), &[], None)
                .await;
            statuses.push(answer.unwrap().status);
        }
        // Who has no key is not told what is there.
        assert!(statuses.contains(&401), "{method} {sent}: {statuses:?}");
    }
    world.finish().await;
}
