use common::testing;
use serde_json::{Value, json};

use crate::{
    rest::access::let_bound_key_manage,
    testing::{Answer, Client},
};

/// What peter is owed after an approved sale in each of the currencies: a tenth of 100.
async fn earned(client: &Client, currencies: &[&str]) {
    for currency in currencies {
        let sale = json!({"coupon": "PETER10", "amount": 100, "currency": currency});
        let commission = client.convert(sale).await;
        let path = format!("/1.6/commissions/{commission}/approved/");
        assert_eq!(client.put(&path, &json!({})).await.status, 200);
    }
}

fn pay(amount: impl Into<Value>, currency: &str) -> Value {
    json!({"affiliate_id": "peterpeterson", "amount": amount.into(), "currency": currency})
}

async fn post(client: &Client, body: &Value) -> Answer {
    client.call("POST", "/1.6/payments/", body.to_string()).await
}

async fn owed(client: &Client) -> Value {
    client.get("/1.6/affiliates/peterpeterson/balances/").await.json
}

fn ids(list: &Answer) -> Vec<&str> {
    assert_eq!(list.status, 200);
    let list = list.json.as_array().unwrap().iter();
    list.map(|payment| payment["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn payments_are_made_shown_and_cancelled() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD", "EUR"]).await;
    let made = post(&client, &json!([pay(3.5, "USD"), pay("4", "eur")])).await;
    assert_eq!(made.status, 200, "{}", made.json);
    assert!(made.headers.get("warning").is_none());
    let payment = &made.json[0];
    let mut keys: Vec<_> = payment.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["affiliate", "amount", "created_at", "currency", "id"]);
    assert_eq!(
        (&payment["amount"], &payment["currency"], &payment["affiliate"]),
        (
            &json!(3.5),
            &json!("USD"),
            &json!({"id": "peterpeterson", "firstname": "Peter", "lastname": "Peterson"})
        )
    );
    assert!(payment["created_at"].as_str().unwrap().ends_with("+00:00"));
    assert_eq!(owed(&client).await, json!({"EUR": 6, "USD": 6.5}));
    database.prove().await;

    let [usd, eur] = ["0", "1"].map(|at| made.json.pointer(&format!("/{at}/id")).unwrap().as_str().unwrap());
    let path = format!("/1.6/payments/{usd}/");
    assert_eq!(&client.get(&path).await.json, payment);
    for list in ["/1.6/payments/", "/1.6/affiliates/peterpeterson/payments/"] {
        let list = client.get(list).await;
        assert_eq!(ids(&list), [eur, usd], "the latest first");
        assert!(list.headers.contains_key("link"));
    }
    assert!(ids(&client.get("/1.6/affiliates/janejameson/payments/").await).is_empty());

    let once = client.with_header("idempotency-key", "cancel-1");
    for _ in 0..2 {
        let answer = once.delete(&path).await;
        assert_eq!((answer.status, answer.json), (204, Value::Null));
    }
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(ids(&client.get("/1.6/payments/").await), [eur]);
    assert_eq!(owed(&client).await, json!({"EUR": 6, "USD": 10}));
    let events = "SELECT count(*) FROM events WHERE kind IN ('pay', 'cancel_payment') AND status = 'applied'";
    assert_eq!(database.count(events).await, 2);
    database.prove().await;
}

#[tokio::test]
async fn one_payment_may_exceed_what_is_owed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"]).await;
    let made = post(&client, &pay(30.55, "USD")).await;
    assert_eq!((made.status, made.json.as_array().unwrap().len()), (200, 1));
    assert_eq!(owed(&client).await, json!({"USD": -20.55}));
    let all = client.get("/1.6/balances/").await;
    let want = json!([{"affiliate_id": "peterpeterson", "balances": {"USD": -20.55}}]);
    assert_eq!(all.json, want);
    database.prove().await;
}

#[tokio::test]
async fn payments_are_recorded_all_or_none() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"]).await;
    let with = |name: &str, value: Value| {
        let mut payment = pay(1, "USD");
        payment[name] = value;
        json!([pay(1, "USD"), payment])
    };
    for wrong in [
        with("affiliate_id", json!("nobody")),
        with("affiliate_id", json!("otheroscar")),
        with("affiliate_id", json!("a\u{0}b")),
        with("affiliate_id", Value::Null),
        with("amount", json!(0)),
        with("amount", json!(-5)),
        with("amount", json!("x")),
        with("amount", Value::Null),
        with("amount", json!(0.001)),
        with("amount", serde_json::from_str("10.0000001").unwrap()),
        with("amount", json!("10.00000000000000000000000000000000001")),
        with("amount", json!("1e-9")),
        json!([{"affiliate_id": "peterpeterson", "amount": "1.000", "currency": "JPY"}]),
        with("amount", json!(1e20)),
        with("currency", json!("XYZ")),
        with("currency", Value::Null),
        json!([]),
        json!([1]),
        json!({}),
        json!(5),
    ] {
        let answer = post(&client, &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.json["errors"][0]["message"].is_string(), "{wrong}");
    }
    for body in ["", "{", "[{]", "\u{0}"] {
        assert_eq!(
            client.call("POST", "/1.6/payments/", body).await.status,
            400,
            "{body}"
        );
    }
    assert_eq!(owed(&client).await, json!({"USD": 10}));
    assert_eq!(database.count("SELECT count(*) FROM payments").await, 0);
    database.prove().await;
}

#[tokio::test]
async fn equal_payments_are_two_and_the_second_is_warned_of() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"]).await;
    let first = post(&client, &pay(2, "USD")).await;
    let second = post(&client, &pay(2, "USD")).await;
    assert!(first.headers.get("warning").is_none());
    let warning = second.headers["warning"].to_str().unwrap();
    assert!(warning.starts_with("199 - \""), "{warning}");
    assert_ne!(first.json[0]["id"], second.json[0]["id"]);
    assert_eq!(owed(&client).await, json!({"USD": 6}));

    let keyed = client.with_header("idempotency-key", "pay-1");
    let once = post(&keyed, &pay(2, "USD")).await;
    let again = post(&keyed, &pay(2, "USD")).await;
    assert_eq!((once.status, &once.json), (again.status, &again.json));
    for answer in [once, again] {
        assert!(
            answer.headers.get("warning").is_none(),
            "its key says that it is another"
        );
    }
    assert_eq!(post(&keyed, &pay(3, "USD")).await.status, 422);
    assert_eq!(owed(&client).await, json!({"USD": 4}));
    database.prove().await;
}

#[tokio::test]
async fn payments_of_one_affiliate_at_once_are_made_one_after_the_other() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"; 4]).await;
    let (ten, twenty) = (pay(10, "USD"), pay(20, "USD"));
    let answers = tokio::join!(post(&client, &ten), post(&client, &twenty), post(&client, &ten));
    for answer in [&answers.0, &answers.1, &answers.2] {
        assert_eq!(answer.status, 200, "{}", answer.json);
    }
    assert_eq!(owed(&client).await, json!({}));
    let covered = "SELECT count(*) FROM commissions WHERE payment_id IS NOT NULL";
    assert_eq!(database.count(covered).await, 4, "each commission by one payment");
    database.prove().await;
}

#[tokio::test]
async fn one_key_used_at_once_pays_once() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"]).await;
    let client = client.with_header("idempotency-key", "pay-1");
    let body = pay(10, "USD");
    let (a, b) = tokio::join!(post(&client, &body), post(&client, &body));
    assert_eq!((a.status, b.status), (200, 200));
    assert_eq!(a.json, b.json);
    assert_eq!(database.count("SELECT count(*) FROM payments").await, 1);
    database.prove().await;
}

#[tokio::test]
async fn only_who_may_pays_and_sees_payments() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"]).await;
    let made = post(&client, &pay(1, "USD")).await;
    let path = format!("/1.6/payments/{}/", made.json[0]["id"].as_str().unwrap());
    let_bound_key_manage(&database).await;
    // Peter is in no program of the other keys: to them he is nobody.
    for (key, paid, cancelled, shown, of_peter, listed) in [
        ("wrong", 401, 401, 401, 401, None),
        ("demo-read-key", 403, 403, 200, 200, Some(1)),
        ("other-key", 400, 404, 404, 404, Some(0)),
        ("demo-program-key", 400, 404, 404, 404, Some(0)),
    ] {
        let client = client.with_key(key);
        assert_eq!(post(&client, &pay(1, "USD")).await.status, paid, "{key}");
        assert_eq!(client.delete(&path).await.status, cancelled, "{key}");
        assert_eq!(client.get(&path).await.status, shown, "{key}");
        let of_peter_path = "/1.6/affiliates/peterpeterson/payments/";
        assert_eq!(client.get(of_peter_path).await.status, of_peter, "{key}");
        if let Some(listed) = listed {
            assert_eq!(ids(&client.get("/1.6/payments/").await).len(), listed, "{key}");
            let balances = client.get("/1.6/balances/").await.json;
            assert_eq!(balances.as_array().unwrap().len(), listed, "{key}");
        }
    }
    let partner = json!({"affiliate_id": "patpartner", "amount": 1, "currency": "USD"});
    let bound = client.with_key("demo-program-key");
    let paid = post(&bound, &partner).await;
    assert_eq!(paid.status, 200, "pat is in its program");
    let pats = format!("/1.6/payments/{}/", paid.json[0]["id"].as_str().unwrap());
    assert_eq!(bound.delete(&pats).await.status, 204);
    for id in ["pa_none", "999999", "%00", "%FF", "x"] {
        let path = format!("/1.6/payments/{id}/");
        assert_eq!(client.get(&path).await.status, 404, "{id}");
        assert_eq!(client.delete(&path).await.status, 404, "{id}");
        let of = format!("/1.6/affiliates/{id}/payments/");
        assert_eq!(client.get(&of).await.status, 404, "{id}");
    }
    assert_eq!(
        database
            .count("SELECT count(*) FROM payments WHERE canceled_at IS NULL")
            .await,
        1
    );
    database.prove().await;
}

#[tokio::test]
async fn what_was_cancelled_stands_in_the_trail() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    earned(&client, &["USD"]).await;
    let made = post(&client, &pay(1, "USD")).await;
    let path = format!("/1.6/payments/{}/", made.json[0]["id"].as_str().unwrap());
    client.delete(&path).await;
    let noted = "SELECT count(*) FROM audit_entries
        WHERE (action = 'pay' AND before IS NULL AND after IS NOT NULL AND subject = 'affiliate/peterpeterson')
           OR (action = 'cancel_payment' AND before -> 'payments' -> 0 ->> 'amount' IS NOT NULL)";
    assert_eq!(database.count(noted).await, 2);
}
