use common::testing;
use serde_json::json;

use crate::testing::Client;

const NOTES: &str = "/1.6/affiliates/janejameson/notes/";

#[tokio::test]
async fn a_note_is_written_changed_and_removed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let made = client
        .call("POST", NOTES, r#"{"message": "Great person!"}"#)
        .await;
    assert_eq!(made.status, 200);
    let (id, at) = (made.json["id"].clone(), made.json["created_at"].clone());
    assert!(at.as_str().unwrap().ends_with("+0000"), "{at}");
    let by = json!({"id": "johntapper", "firstname": "John", "lastname": "Tapper"});
    let note = |message: &str| json!({"id": id, "created_at": at, "message": message, "created_by": by});
    assert_eq!(made.json, note("Great person!"));
    let path = format!("{NOTES}{id}/");
    let changed = client
        .put(&path, &json!({"message": "Greatest person ever!"}))
        .await;
    assert_eq!(changed.json, note("Greatest person ever!"));
    assert_eq!(client.get(NOTES).await.json, json!([changed.json]));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(NOTES).await.json, json!([]));
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.put(&path, &json!({"message": "M"})).await.status, 404);
    assert_eq!(
        database
            .count("SELECT count(*) FROM audit_entries WHERE subject LIKE 'note/%'")
            .await,
        3
    );
}

#[tokio::test]
async fn notes_are_their_tenants_and_their_affiliates() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let id = client.call("POST", NOTES, r#"{"message": "M"}"#).await.json["id"].clone();
    let path = format!("{NOTES}{id}/");
    let message = json!({"message": "N"});
    for (key, read, write) in [
        ("demo-read-key", 200, 403),
        ("other-key", 404, 404),
        ("demo-program-key", 404, 403),
        ("wrong", 401, 401),
    ] {
        let client = client.with_key(key);
        assert_eq!(client.get(NOTES).await.status, read, "{key}");
        assert_eq!(
            client.call("POST", NOTES, message.to_string()).await.status,
            write,
            "{key}"
        );
        assert_eq!(client.put(&path, &message).await.status, write, "{key}");
        assert_eq!(client.delete(&path).await.status, write, "{key}");
    }
    let of_another = format!("/1.6/affiliates/peterpeterson/notes/{id}/");
    assert_eq!(client.put(&of_another, &message).await.status, 404);
    assert_eq!(client.delete(&of_another).await.status, 404);
    for path in ["x/", "99999999999999999999/", "-1/", "%00/"] {
        assert_eq!(
            client.put(&format!("{NOTES}{path}"), &message).await.status,
            404,
            "{path}"
        );
    }
    for body in ["", "[]", "{}", r#"{"message": ""}"#, r#"{"message": []}"#] {
        assert_eq!(client.call("POST", NOTES, body).await.status, 400, "{body}");
        assert_eq!(client.call("PUT", &path, body).await.status, 400, "{body}");
    }
    for affiliate in ["nobody", "a%00"] {
        let notes = format!("/1.6/affiliates/{affiliate}/notes/");
        assert_eq!(client.get(&notes).await.status, 404);
        assert_eq!(client.call("POST", &notes, message.to_string()).await.status, 404);
    }
    assert_eq!(client.get(NOTES).await.json[0]["message"], "M");
}
