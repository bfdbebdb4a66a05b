use common::{
    domain::{Applied, AttributionFields, Body, CreateCustomer, CustomerLifecycle, PublicId, PublicIdKind},
    testing,
};
use serde_json::{Value, json};

use crate::{
    rest::access::{assert_only_managers, assert_only_readers},
    testing::{Answer, Client},
};

/// A customer on trial whom jane brought, and its path.
async fn customer(client: &Client, name: &str) -> String {
    let create = CreateCustomer {
        customer_id: name.into(),
        lifecycle: CustomerLifecycle::Trial,
        attribution: AttributionFields {
            coupon: Some("JANE10OFF".into()),
            ..AttributionFields::default()
        },
        ..CreateCustomer::default()
    };
    match client.apply(Body::CreateCustomer(Box::new(create))).await {
        Applied::Customer(record) => {
            let id = PublicId::new(PublicIdKind::Customer, record.id.0);
            format!("/1.6/customers/{id}/")
        }
        other => panic!("{other:?}"),
    }
}

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("PATCH", path, body.to_string()).await
}

#[tokio::test]
async fn a_customer_gets_another_id_and_other_meta_data() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = customer(&client, "USER123").await;
    let sent = json!({"customer_id": "USER456", "meta_data": {"buz": "baz"}});
    let answer = patch(&client, &path, &sent).await;
    assert_eq!(answer.status, 200);
    let changed = answer.json;
    assert_eq!(
        (&changed["customer_id"], &changed["meta_data"], &changed["status"]),
        (&json!("USER456"), &json!({"buz": "baz"}), &json!("trial"))
    );
    assert_eq!(client.get(&path).await.json, changed, "as it is read");
    for nothing in [json!({}), json!([])] {
        assert_eq!(patch(&client, &path, &nothing).await.json, changed, "{nothing}");
    }
    let numbered = patch(&client, &path, &json!({"customer_id": 77})).await;
    assert_eq!(numbered.json["customer_id"], json!("77"));
    customer(&client, "USER999").await;
    let taken = patch(
        &client,
        &path,
        &json!({"customer_id": "USER999", "meta_data": {}}),
    )
    .await;
    assert_eq!(taken.status, 400);
    assert_eq!(
        client.get(&path).await.json["meta_data"],
        json!({"buz": "baz"}),
        "nothing of it"
    );
    for wrong in [
        json!({"customer_id": {"a": 1}}),
        json!({"customer_id": "a".repeat(256)}),
    ] {
        assert_eq!(patch(&client, &path, &wrong).await.status, 400, "{wrong}");
    }
    database.prove().await;
}

#[tokio::test]
async fn a_customer_is_cancelled_and_comes_back_to_where_it_was() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = customer(&client, "USER123").await;
    let status = format!("{path}status/");
    let words = async |method: &str| {
        let answer = client.call(method, &status, "[]").await;
        assert_eq!(answer.status, 200, "{method}");
        answer.json["status"].clone()
    };
    for _ in 0..2 {
        assert_eq!(words("DELETE").await, json!("canceled"));
    }
    assert_eq!(words("PUT").await, json!("trial"));
    client
        .convert(json!({"coupon": "JANE10OFF", "amount": 1, "customer_id": "USER123"}))
        .await;
    assert_eq!(words("PUT").await, json!("paying"), "its sales say");
    assert_eq!(words("DELETE").await, json!("canceled"));
    assert_eq!(client.get(&path).await.json["status"], json!("canceled"));
    database.prove().await;
}

#[tokio::test]
async fn a_deleted_customer_is_forgotten_and_its_sales_stay() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = customer(&client, "USER123").await;
    let sale = json!({"coupon": "JANE10OFF", "amount": 100, "customer_id": "USER123"});
    let sale = client.conversion(sale).await.id;
    let once = client.with_header("idempotency-key", "delete-1");
    for _ in 0..2 {
        let answer = once.delete(&path).await;
        assert_eq!((answer.status, answer.json), (204, Value::Null));
    }
    for (method, rest) in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PUT", "status/"),
        ("DELETE", "status/"),
        ("GET", "meta-data/"),
        ("PUT", "meta-data/"),
    ] {
        let answer = client.call(method, &format!("{path}{rest}"), "{}").await;
        assert_eq!(answer.status, 404, "{method} {rest}");
    }
    assert_eq!(client.get(&format!("/1.6/conversions/{sale}/")).await.status, 200);
    assert_ne!(customer(&client, "USER123").await, path, "the id is free");
    let updates = "SELECT count(*) FROM events WHERE kind = 'update_customer' AND status = 'applied'";
    assert_eq!(database.count(updates).await, 1);
    database.prove().await;
}

#[tokio::test]
async fn only_who_may_changes_a_customer() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = customer(&client, "USER123").await;
    let before = client.get(&path).await.json;
    let rest = |rest: &str| format!("{path}{rest}");
    for (method, path, body) in [
        ("PATCH", rest(""), json!({"customer_id": "x"})),
        ("DELETE", rest(""), json!([])),
        ("DELETE", rest("status/"), json!([])),
        ("PUT", rest("status/"), json!([])),
        ("PUT", rest("meta-data/"), json!({"a": 1})),
        ("PUT", rest("meta-data/foo/"), json!({"value": 1})),
        ("DELETE", rest("meta-data/foo/"), json!([])),
    ] {
        assert_only_managers(&database, &client, (method, &path), &body).await;
    }
    for path in [rest(""), rest("meta-data/")] {
        assert_only_readers(&client, &path).await;
    }
    for id in ["cu_none", "1", "%00", "USER123"] {
        for (method, rest) in [
            ("PATCH", ""),
            ("DELETE", ""),
            ("PUT", "status/"),
            ("PUT", "meta-data/a/"),
        ] {
            let path = format!("/1.6/customers/{id}/{rest}");
            let answer = client.call(method, &path, r#"{"value": 1}"#).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    assert_eq!(client.get(&path).await.json, before);
    let updates = "SELECT count(*) FROM events WHERE kind = 'update_customer'";
    assert_eq!(
        database.count(updates).await,
        0,
        "what is not there leaves no event"
    );
}

#[tokio::test]
async fn meta_data_are_replaced_and_changed_by_key() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let meta = format!("{}meta-data/", customer(&client, "USER123").await);
    let all = json!({"foo": "bar", "baz": "qux"});
    assert_eq!(client.put(&meta, &all).await.json, all);
    let (foo, baz) = (format!("{meta}foo/"), format!("{meta}baz/"));
    assert_eq!(client.get(&foo).await.json, json!({"value": "bar"}));
    assert_eq!(
        client.put(&foo, &json!({"value": "b"})).await.json,
        json!({"value": "b"})
    );
    assert_eq!(client.delete(&baz).await.status, 204);
    assert_eq!(client.delete(&baz).await.status, 404);
    assert_eq!(client.get(&meta).await.json, json!({"foo": "b"}));
    let set = |name: &str| {
        let (client, path) = (client.clone(), format!("{meta}{name}/"));
        async move { client.put(&path, &json!({"value": "v"})).await.status }
    };
    assert_eq!(tokio::join!(set("a"), set("c"), set("d")), (200, 200, 200));
    let all = client.get(&meta).await.json;
    assert_eq!(
        all,
        json!({"foo": "b", "a": "v", "c": "v", "d": "v"}),
        "set at once, all hold"
    );
}
