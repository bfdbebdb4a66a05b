use super::*;
use crate::{catalog, db::Pool};
use secrecy::ExposeSecret;
use sqlx::postgres::PgListener;
use strum::IntoEnumIterator as _;

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn apply_demo(pool: &Pool) {
    let demo = catalog::parse(catalog::DEMO).unwrap();
    catalog::sync(pool, &demo, now()).await.unwrap();
}

fn new_key(name: &str) -> NewKey {
    NewKey {
        org: "demo".to_owned(),
        name: name.to_owned(),
        scopes: vec![Scope::Ingest, Scope::Read],
        program: Some("partner-program".to_owned()),
        rate_per_minute: 500,
        owner: "Ada".to_owned(),
        owner_id: "ada".to_owned(),
        timezone: "Europe/Amsterdam".parse().unwrap(),
        repeats: Repeats::First,
    }
}

#[test]
fn a_generated_key_checks_itself() {
    let key = generate_key();
    assert_eq!(key.len(), "ck_live_".len() + 8 + 1 + 43 + 6);
    assert!(!is_mistyped(&key));
    assert_ne!(key, generate_key());
    assert_eq!(hint(&key), &key[..16]);
    for at in 8..key.len() {
        let other = if key.as_bytes()[at] == b'a' { "b" } else { "a" };
        let mut mistyped = key.clone();
        mistyped.replace_range(at..=at, other);
        assert!(is_mistyped(&mistyped), "a wrong character at {at} is not noticed");
    }
    assert!(is_mistyped(&key[..key.len() - 1]));
    assert!(is_mistyped("ck_live_") && is_mistyped("ck_live_ä"));
    assert!(
        !is_mistyped("demo-key"),
        "keys of other makers are not ours to judge"
    );
}

#[test]
fn the_hash_is_plain_sha256_and_hints_tell_little() {
    let sha256_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex::encode(hash_key("abc")), sha256_of_abc);
    assert_eq!(hint("demo-key"), "de");
    assert_eq!(hint(&"x".repeat(100)).len(), 16);
}

#[test]
fn scopes_are_known_by_name() {
    for scope in Scope::iter() {
        assert_eq!(scope.name().parse(), Ok(scope));
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
    }
    assert_eq!("all".parse::<Scope>(), Err(UnknownScope("all".to_owned())));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_created_key_counts_until_it_is_revoked(pool: Pool) {
    apply_demo(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let before = snapshot(&mut connection).await.unwrap().keys.len();

    let (key, row) = create(&mut connection, &new_key("shop"), now()).await.unwrap();
    assert_eq!(
        (row.name.as_str(), row.program.as_deref()),
        ("shop", Some("partner-program"))
    );
    assert_eq!((row.created_at, row.revoked_at), (now(), None));
    let snapshot_after = snapshot(&mut connection).await.unwrap();
    assert_eq!(snapshot_after.keys.len(), before + 1);
    let found = by_hash(&mut connection, &hash_key(&key)).await.unwrap().unwrap();
    assert!(snapshot_after.keys.contains(&found));
    assert_eq!((found.key_id, found.org_slug.as_str()), (row.key_id, "demo"));
    assert_eq!(
        (found.rate_per_minute, found.repeats, found.scopes),
        (500, Repeats::First, vec![Scope::Ingest, Scope::Read])
    );
    assert!(found.program.is_some() && found.affiliates_feature);

    let later = now() + chrono::TimeDelta::hours(1);
    let revoked = revoke(&mut connection, "demo", &row.hint, later).await.unwrap();
    assert_eq!((revoked.key_id, revoked.revoked_at), (row.key_id, Some(later)));
    assert_eq!(by_hash(&mut connection, &hash_key(&key)).await.unwrap(), None);
    assert_eq!(snapshot(&mut connection).await.unwrap().keys.len(), before);
    let number = row.key_id.to_string();
    let again = revoke(
        &mut connection,
        "demo",
        &number,
        later + chrono::TimeDelta::hours(1),
    )
    .await
    .unwrap();
    assert_eq!(again.revoked_at, Some(later), "the first revocation stands");
    let listed = list(&mut connection, "demo").await.unwrap();
    assert_eq!(listed.last(), Some(&again), "revoked keys stay listed");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_snapshot_says_what_a_request_needs(pool: Pool) {
    apply_demo(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let snapshot = snapshot(&mut connection).await.unwrap();
    let find = |key: &str| {
        snapshot
            .keys
            .iter()
            .find(|stored| stored.hash == hash_key(key))
            .unwrap()
    };
    let demo = find("demo-key");
    assert_eq!(demo.scopes, Scope::iter().collect::<Vec<_>>());
    assert_eq!(
        (demo.owner.as_str(), demo.owner_id.as_str()),
        ("John Tapper", "johntapper")
    );
    assert_eq!((demo.rate_per_minute, demo.program), (100_000, None));
    assert!(find("demo-program-key").program.is_some());
    assert_eq!(find("demo-read-key").scopes, [Scope::Read]);
    assert!(!find("locked-key").affiliates_feature);
    assert_ne!(find("other-key").org, demo.org);
    assert_eq!(snapshot.receipt_secret.expose_secret().len(), 64);
    assert!(!format!("{snapshot:?}").contains(snapshot.receipt_secret.expose_secret()));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_snapshot_knows_clients_and_pixels(pool: Pool) {
    apply_demo(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let known = snapshot(&mut connection).await.unwrap();
    let demo = known.keys.iter().find(|key| key.org_slug == "demo").unwrap().org;
    let clients: Vec<_> = known.clients.iter().map(|client| client.client_id).collect();
    assert_eq!(
        clients,
        [12_345, 67_890],
        "an organisation without a client id has none"
    );
    assert_eq!(
        (known.clients[0].org, known.clients[0].affiliates_feature),
        (demo, true)
    );
    let pixel = &known.pixels[0];
    assert_eq!(
        (pixel.key.as_str(), pixel.org, pixel.affiliates_feature),
        ("demo-pixel", demo, true)
    );
    assert_eq!(pixel.secret.expose_secret(), "demo-pixel-secret");
    assert!(pixel.address_ranges.is_empty() && !pixel.trusts("192.0.2.7".parse().unwrap()));
    assert!(!format!("{known:?}").contains("demo-pixel-secret"));

    sqlx::query("UPDATE pixel_keys SET address_ranges = '{192.0.2.0/24, 2001:db8::1/128}'")
        .execute(&pool)
        .await
        .unwrap();
    let known = snapshot(&mut connection).await.unwrap();
    for (address, want) in [("192.0.2.7", true), ("2001:db8::1", true), ("192.0.3.7", false)] {
        assert_eq!(
            known.pixels[0].trusts(address.parse().unwrap()),
            want,
            "{address}"
        );
    }
    sqlx::query("UPDATE pixel_keys SET revoked_at = now()")
        .execute(&pool)
        .await
        .unwrap();
    assert!(snapshot(&mut connection).await.unwrap().pixels.is_empty());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_pixel_s_secret_is_its_organisation_s(pool: Pool) {
    apply_demo(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let secret = pixel_secret(&mut connection, "demo", "demo-pixel").await.unwrap();
    assert_eq!(secret.expose_secret(), "demo-pixel-secret");
    for (org, pixel) in [("other", "demo-pixel"), ("demo", "nobody")] {
        let error = pixel_secret(&mut connection, org, pixel).await.unwrap_err();
        assert!(matches!(error, KeyError::UnknownKey { .. }), "{error}");
    }
    let error = pixel_secret(&mut connection, "nowhere", "demo-pixel")
        .await
        .unwrap_err();
    assert!(matches!(error, KeyError::UnknownOrg(_)), "{error}");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_change_of_keys_is_announced(pool: Pool) {
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen(notify::KEYS).await.unwrap();
    apply_demo(&pool).await;
    assert_eq!(listener.recv().await.unwrap().channel(), notify::KEYS);

    let mut connection = pool.acquire().await.unwrap();
    let (_, row) = create(&mut connection, &new_key("shop"), now()).await.unwrap();
    listener.recv().await.unwrap();
    revoke(&mut connection, "demo", &row.hint, now()).await.unwrap();
    listener.recv().await.unwrap();

    // Nothing changes, so nothing is announced: the next announcement is the marker.
    apply_demo(&pool).await;
    sqlx::query("SELECT pg_notify('commissary_keys', 'marker')")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "marker");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn keys_of_unknown_things_are_refused(pool: Pool) {
    apply_demo(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let nowhere = NewKey {
        org: "nowhere".to_owned(),
        ..new_key("x")
    };
    let error = create(&mut connection, &nowhere, now()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no organisation \"nowhere\"");
    // The program of another organisation is as unknown as none.
    let foreign = NewKey {
        program: Some("other-program".to_owned()),
        ..new_key("x")
    };
    let error = create(&mut connection, &foreign, now()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "organisation \"demo\" has no program \"other-program\""
    );
    assert!(matches!(
        list(&mut connection, "nowhere").await,
        Err(KeyError::UnknownOrg(_))
    ));

    let other = list(&mut connection, "other").await.unwrap();
    let foreign = other[0].key_id.to_string();
    let error = revoke(&mut connection, "demo", &foreign, now())
        .await
        .unwrap_err();
    assert!(matches!(error, KeyError::UnknownKey { .. }), "{error}");
    sqlx::query("UPDATE api_keys SET hint = 'same'")
        .execute(&pool)
        .await
        .unwrap();
    let error = revoke(&mut connection, "demo", "same", now()).await.unwrap_err();
    assert!(matches!(error, KeyError::Ambiguous { .. }), "{error}");
}
