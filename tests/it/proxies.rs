//! nginx and Caddy with the configuration of deploy/, one host name over both planes: each call reaches its plane, everybody is who
//! they are, what is too large ends, and what stays open stays open.

use std::{net::IpAddr, time::Duration};

use commissary_tests::{Answer, Proxy, Queue, Shop, World};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

#[derive(Clone, Copy, Debug)]
enum Kind {
    Nginx,
    Caddy,
}

impl Kind {
    async fn start(self, ingest: &str, api: &str) -> Proxy {
        match self {
            Self::Nginx => Proxy::nginx(ingest, api).await,
            Self::Caddy => Proxy::caddy(ingest, api).await,
        }
    }
}

const BOTH: [Kind; 2] = [Kind::Nginx, Kind::Caddy];

/// What needs no key, and so may have its own way to say that nothing is there.
const KEYLESS: [&str; 3] = ["/p/", "/metrics", "/api/v1/tracking/status/"];

#[tokio::test(flavor = "multi_thread")]
async fn one_host_name_is_enough_and_everybody_keeps_their_address() {
    let world = World::of(Queue::Spool)
        .variable("COMMISSARY_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    let pixel = format!("{}/v1/pixel-keys/demo-pixel", world.shop.api);
    let ranges = json!({"address_ranges": ["127.0.0.2/32"]});
    let key = [("X-Api-Key", "demo-key")];
    world
        .shop
        .call(Method::PATCH, &pixel, &key, Some(&ranges))
        .await
        .unwrap()
        .expect(200);

    for kind in BOTH {
        let proxy = kind.start(&world.shop.ingest, &world.shop.api).await;
        let shop = Shop::new(&proxy.url, &proxy.url);
        let order = format!("by-{kind:?}");
        shop.track(&order, 100).await.expect(200);
        let rest = json!({"external_id": format!("rest-{kind:?}"), "amount": 50, "coupon": "PARTNER_CODE"});
        shop.rest("/conversions/", &rest).await.expect(200);
        let listed = shop.get("/1.6/conversions/").await.expect(200);
        assert!(
            listed
                .body
                .as_array()
                .unwrap()
                .iter()
                .any(|row| row["external_id"] == order.as_str()),
            "{listed:?}"
        );
        let link = listed.header("link").unwrap();
        assert!(
            link.starts_with("<http://127.0.0.1"),
            "the host by which the client calls: {link}"
        );
        each_call_reaches_its_plane(&shop, kind).await;
        an_address_is_the_clients_own(&proxy, kind).await;
        what_is_too_large_is_refused(&shop, kind).await;
        proxy.stop().await;
    }
    world
        .until("(SELECT count(*) FROM conversions WHERE external_id LIKE 'pixel-%') = 6")
        .await;
    let approved = "SELECT string_agg(v.external_id, ' ' ORDER BY v.external_id) FROM conversions v JOIN commissions m USING (org_id, conversion_id)
                    WHERE m.approved AND v.external_id LIKE 'pixel-%'";
    assert_eq!(world.sql(approved).await, "pixel-Caddy-own pixel-Nginx-own");
    world.finish().await;
}

/// The other plane would say 404 or 405.
async fn each_call_reaches_its_plane(shop: &Shop, kind: Kind) {
    let document = shop.get_as("/openapi.json", None).await.expect(200).body;
    let mut calls = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        if KEYLESS.iter().any(|keyless| path.starts_with(keyless)) {
            continue;
        }
        let filled = path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part });
        let url = format!("{}{}", shop.api, filled.collect::<Vec<_>>().join("/"));
        for method in methods
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| *name != "parameters")
        {
            let method: Method = method.to_uppercase().parse().unwrap();
            for slash in ["", "/"] {
                let url = format!("{}{slash}", url.trim_end_matches('/'));
                let body = (method != Method::GET).then(|| json!({}));
                let answer = shop.call(method.clone(), &url, &[], body.as_ref()).await.unwrap();
                assert!(
                    !matches!(answer.status, 404 | 405 | 502),
                    "{kind:?}: {method} {url}: {answer:?}"
                );
                calls += 1;
            }
        }
    }
    assert!(calls > 100, "{calls}");
    for path in ["/metrics", "//metrics", "/metrics/"] {
        shop.get_as(path, None).await.expect(404);
    }
}

/// An unsigned pixel is approved at once where it comes from an address that is trusted.
async fn an_address_is_the_clients_own(proxy: &Proxy, kind: Kind) {
    let pixel = async |name: &str, from: &str, headers: &[(&str, &str)]| {
        let address: IpAddr = from.parse().unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .local_address(address)
            .build()
            .unwrap();
        let url = format!(
            "{}/p/demo-pixel.gif?external_id=pixel-{kind:?}-{name}&amount=10&coupon=PARTNER_CODE",
            proxy.url
        );
        let mut request = client.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(request.send().await.unwrap().status(), 200);
    };
    pixel("own", "127.0.0.2", &[]).await;
    pixel("other", "127.0.0.3", &[]).await;
    let invented = [
        ("X-Forwarded-For", "127.0.0.2"),
        ("Forwarded", "for=127.0.0.2"),
        ("X-Real-IP", "127.0.0.2"),
    ];
    pixel("invented", "127.0.0.3", &invented).await;
}

async fn what_is_too_large_is_refused(shop: &Shop, kind: Kind) {
    let send = async |bytes: usize| -> Result<Answer, reqwest::Error> {
        let body = json!({"order_id": "x".repeat(bytes), "total_amount": 1});
        let url = format!("{}/api/affiliates/track/PARTNER_CODE", shop.ingest);
        shop.call(Method::POST, &url, &[("Y-API-Key", "demo-key")], Some(&body))
            .await
    };
    let ours = send(300 * 1024).await.unwrap().expect(413);
    assert!(
        ours.body["message"].is_string(),
        "in the dialect's shape: {ours:?}"
    );
    match send(3 * 1024 * 1024).await {
        Ok(answer) => assert_eq!(answer.status, 413, "{kind:?}: {answer:?}"),
        // It may close before the client has sent everything.
        Err(error) => assert!(error.is_request(), "{kind:?}: {error}"),
    }
}

/// A plane that sends an event at once, the next when it is told to, and answers a WebSocket by an echo.
async fn live_plane(listener: TcpListener, go_on: oneshot::Receiver<()>) {
    let mut go_on = Some(go_on);
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { break };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        if head.starts_with("get /v1/live-events") {
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            go_on.take().unwrap().await.unwrap();
            stream.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n").await.unwrap();
        } else if head.contains("upgrade: websocket") && head.contains("connection: upgrade") {
            let answer =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let said = stream.read_u8().await.unwrap();
            stream.write_u8(said + 1).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_server_sends_and_websockets_pass_through() {
    for kind in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plane = format!("http://{}", listener.local_addr().unwrap());
        let (send, go_on) = oneshot::channel();
        tokio::spawn(live_plane(listener, go_on));
        let proxy = kind.start(&plane, &plane).await;

        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let mut answer = client
            .get(format!("{}/v1/live-events", proxy.url))
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.chunk().await.unwrap().unwrap().as_ref(),
            b"data: 1\n\n",
            "{kind:?}: before the second is sent"
        );
        send.send(()).unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap().as_ref(), b"data: 2\n\n");
        drop(answer);

        let address = proxy.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let asked = format!(
            "GET /v1/live HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(
            head.starts_with(b"HTTP/1.1 101"),
            "{kind:?}: {}",
            String::from_utf8_lossy(&head)
        );
        stream.write_u8(b'a').await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'b', "{kind:?}");
        drop(stream);
        proxy.stop().await;
    }
}

/// A plane that is away is no riddle.
#[tokio::test(flavor = "multi_thread")]
async fn a_plane_that_is_away_is_a_502() {
    let nobody = format!("http://127.0.0.1:{}", commissary_tests::free_port());
    for kind in BOTH {
        let proxy = kind.start(&nobody, &nobody).await;
        let shop = Shop::new(&proxy.url, &proxy.url);
        let answer = shop.track("nobody", 1).await.expect(502);
        assert_eq!(answer.body, Value::Null, "{kind:?}");
        proxy.stop().await;
    }
}
