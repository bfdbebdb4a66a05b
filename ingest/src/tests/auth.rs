//! Keys from memory: known at once, fresh at once, revoked soon, and the database never in the way of a known key.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{db::keys::ApiKey, domain::OrgId};
use tokio::time::Instant;

use super::{KEY, Service, api_key, request, snapshot};
use common::keyring::{AuthError, FAILED_BURST, Keys};

/// A store of keys that counts its reads and can hang.
#[derive(Clone, Default)]
struct Store {
    keys: Arc<Mutex<Vec<ApiKey>>>,
    reads: Arc<AtomicUsize>,
    hangs: Arc<AtomicBool>,
}

impl Store {
    fn of(names: &[&str]) -> Self {
        let store = Self::default();
        store.set(names);
        store
    }

    fn set(&self, names: &[&str]) {
        *self.keys.lock().unwrap() = names.iter().map(|name| api_key(name)).collect();
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn keys(&self) -> Keys {
        let store = self.clone();
        Keys::new(Box::new(move || {
            let store = store.clone();
            Box::pin(async move {
                store.reads.fetch_add(1, Ordering::SeqCst);
                if store.hangs.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                let keys = store.keys.lock().unwrap().clone();
                Ok(snapshot(keys))
            })
        }))
    }
}

const DEADLINE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_known_key_needs_no_database() {
    let store = Store::of(&[KEY]);
    let keys = store.keys();
    keys.reload(DEADLINE).await.unwrap();
    store.hangs.store(true, Ordering::SeqCst);
    let started = Instant::now();
    for _ in 0..100 {
        keys.authenticate(KEY, None).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_millis(500));
    assert_eq!(store.reads(), 1);
    // A reload that fails leaves the old snapshot.
    assert!(keys.reload(Duration::from_millis(100)).await.is_err());
    keys.authenticate(KEY, None).await.unwrap();
}

#[tokio::test]
async fn a_fresh_key_works_at_once_and_a_revoked_one_not_after_a_reload() {
    let store = Store::of(&[KEY]);
    let keys = store.keys();
    keys.reload(DEADLINE).await.unwrap();
    store.set(&[KEY, "fresh"]);
    keys.authenticate("fresh", None).await.unwrap();
    store.set(&["fresh"]);
    keys.reload(DEADLINE).await.unwrap();
    assert!(matches!(
        keys.authenticate(KEY, None).await,
        Err(AuthError::UnknownKey)
    ));
}

#[tokio::test]
async fn strangers_share_their_reloads() {
    let store = Store::of(&[KEY]);
    let keys = store.keys();
    keys.reload(DEADLINE).await.unwrap();
    let strangers = (0..100).map(|number| {
        let keys = keys.clone();
        async move { keys.authenticate(&format!("stranger-{number}"), None).await }
    });
    for result in futures_util::future::join_all(strangers).await {
        assert!(matches!(result, Err(AuthError::UnknownKey)));
    }
    assert_eq!(store.reads(), 2, "one reload for all of them");
    for _ in 0..100 {
        assert!(keys.authenticate("stranger-0", None).await.is_err());
    }
    assert_eq!(store.reads(), 2, "remembered as unknown");
}

/// Who has a key is never told to wait for what others at the same address try.
#[tokio::test]
async fn a_stranger_who_tries_many_keys_is_told_to_wait() {
    let store = Store::of(&[KEY]);
    let keys = store.keys();
    keys.reload(DEADLINE).await.unwrap();
    let (one, other) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
    let burst = FAILED_BURST.get();
    let tries = (0..burst * 2).map(|number| {
        let keys = keys.clone();
        async move { keys.authenticate(&format!("guess-{number}"), one).await }
    });
    let (mut unknown, mut told_to_wait) = (0, 0);
    for result in futures_util::future::join_all(tries).await {
        match result {
            Err(AuthError::UnknownKey) => unknown += 1,
            Err(AuthError::TooManyFailures { retry_after }) => {
                assert!(retry_after <= Duration::from_secs(1), "{retry_after:?}");
                told_to_wait += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(unknown >= burst && told_to_wait > 0, "{unknown} {told_to_wait}");
    assert!(store.reads() <= 4, "shared reloads: {}", store.reads());
    // On a busy machine another guess may have become free meanwhile: all of them use up the same.
    let (mut clients, mut pixels) = (false, false);
    for number in 0..burst * 2 {
        let waits = |error| matches!(error, Some(AuthError::TooManyFailures { .. }));
        clients |= waits(keys.client(i64::from(number) + 1_000, one).await.err());
        pixels |= waits(keys.pixel(&format!("guess-{number}"), one).await.err());
    }
    assert!(clients && pixels, "{clients} {pixels}");
    keys.authenticate(KEY, one).await.unwrap();
    assert!(matches!(
        keys.authenticate("guess", other).await,
        Err(AuthError::UnknownKey)
    ));
}

#[tokio::test]
async fn client_ids_and_pixels_are_known_like_keys() {
    let store = Store::of(&[KEY]);
    let keys = store.keys();
    assert_eq!(
        keys.client(12_345, None).await.unwrap().org,
        OrgId(1),
        "looked for at once"
    );
    assert_eq!(keys.pixel("demo-pixel", None).await.unwrap().org, OrgId(1));
    assert_eq!(store.reads(), 1);
    let strangers = (0..50).map(|number| {
        let keys = keys.clone();
        async move {
            let client = keys.client(number, None).await;
            let pixel = keys.pixel(&number.to_string(), None).await;
            assert!(matches!(client, Err(AuthError::UnknownKey)));
            assert!(matches!(pixel, Err(AuthError::UnknownKey)));
        }
    });
    futures_util::future::join_all(strangers).await;
    assert!(store.reads() <= 4, "shared reloads: {}", store.reads());
    let before = store.reads();
    for _ in 0..100 {
        assert!(keys.client(1, None).await.is_err() && keys.pixel("1", None).await.is_err());
    }
    assert_eq!(store.reads(), before, "remembered as unknown, each for itself");
    // While the database is away, who is unknown is told to come back, not that it is wrong.
    store.hangs.store(true, Ordering::SeqCst);
    assert!(matches!(
        keys.client(1_000, None).await,
        Err(AuthError::Unverifiable(_))
    ));
    keys.client(67_890, None).await.unwrap();
}

#[tokio::test]
async fn without_the_database_an_unknown_key_is_told_to_come_back() {
    let store = Store::of(&[KEY]);
    let keys = store.keys();
    keys.reload(DEADLINE).await.unwrap();
    store.hangs.store(true, Ordering::SeqCst);
    let mut service = Service::with_keys(keys.clone());
    let call = |key| {
        request(
            "GET",
            "/1.7/pb/con/c?external_id=1&coupon=C",
            &[("X-Api-Key", key)],
            "",
        )
    };
    let started = Instant::now();
    let reply = service.refused(call("stranger"), 503).await;
    assert_eq!(reply.header("retry-after"), "1");
    assert!(started.elapsed() < Duration::from_secs(3));
    service.accepted(call(KEY)).await;
    // Once it answers again, the key that it has is fine: the failure was not remembered as unknown.
    store.hangs.store(false, Ordering::SeqCst);
    store.set(&[KEY, "stranger"]);
    service.accepted(call("stranger")).await;
}

#[tokio::test]
async fn a_reload_does_not_refill_the_bucket_of_an_unchanged_key() {
    let store = Store::default();
    let slow = |rate_per_minute| ApiKey {
        rate_per_minute,
        ..api_key(KEY)
    };
    *store.keys.lock().unwrap() = vec![slow(2)];
    let keys = store.keys();
    let take = async || keys.authenticate(KEY, None).await.unwrap().take();
    assert_eq!(take().await.remaining, 1);
    keys.reload(DEADLINE).await.unwrap();
    assert_eq!(take().await.remaining, 0);
    keys.reload(DEADLINE).await.unwrap();
    assert!(take().await.retry_after.is_some());
    *store.keys.lock().unwrap() = vec![slow(3)];
    keys.reload(DEADLINE).await.unwrap();
    assert_eq!(take().await.remaining, 2, "a new limit is a new bucket");
}
