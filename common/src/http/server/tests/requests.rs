//! Ordinary clients, and those that end or err.

use super::*;
use crate::http::request::MAX_URL_BYTES;

#[tokio::test]
async fn a_head_that_cannot_be_read_is_refused_in_our_shape() {
    let (address, _server) = serving(routes(), Limits::default());
    let header = |size: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Large: {}\r\n\r\n",
            "x".repeat(size)
        )
    };
    let url = |size: usize| {
        format!(
            "GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "x".repeat(size)
        )
    };
    for (request, status) in [
        (header(MAX_HEAD_BYTES / 2), "200"),
        (header(2 * MAX_HEAD_BYTES), "431"),
        (url(MAX_URL_BYTES - 1), "404"),
        (url(MAX_URL_BYTES), "414"),
        (url(2 * MAX_HEAD_BYTES), "414"),
        (url(100_000), "414"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = exchange(address, request.as_bytes()).await;
        let (start, _) = request.split_at(request.len().min(40));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{start}: {answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{start}: {answer}");
        let is_error = answer.ends_with('}') && answer.contains("\r\n\r\n{\"error\":\"");
        assert_eq!(is_error, status != "200", "{start}: {answer}");
        assert!(answer.contains("x-request-id: "), "{start}: {answer}");
    }
}

#[tokio::test]
async fn exactly_one_host_is_named() {
    let (address, _server) = serving(routes(), Limits::default());
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n", "200"),
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n", "400"),
        ("GET /1.6/x HTTP/1.1\r\nHost: a b\r\n", "400"),
        ("GET / HTTP/1.0\r\n", "200"),
    ] {
        let answer = exchange(address, format!("{request}Connection: close\r\n\r\n").as_bytes()).await;
        let (_, found) = answer.split_once(' ').unwrap();
        assert!(found.starts_with(status), "{request}: {answer}");
        assert_eq!(
            answer.contains("\"errors\":[{"),
            request.contains("/1.6/"),
            "the dialect's shape: {answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_says_no_more_is_answered() {
    let (address, _server) = serving(routes(), Limits::default());
    for _ in 0..20 {
        let mut stream = connect(address).await;
        stream.write_all(get_of("/").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(rest(&mut stream).await.ends_with("hello"));
    }
}

#[tokio::test]
async fn a_proxy_that_is_trusted_says_whose_request_it_is() {
    let asked =
        "GET /client HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.7\r\nConnection: close\r\n\r\n";
    for (trusted, want) in [("", "127.0.0.1"), ("127.0.0.0/8", "198.51.100.7")] {
        let limits = Limits {
            trusted: trusted.parse().unwrap(),
            ..Limits::default()
        };
        let (address, _server) = serving(routes(), limits);
        let answer = exchange(address, asked.as_bytes()).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{want}")), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_body_says_that_it_closes_and_arrives() {
    let (address, _server) = serving(routes(), Limits::default());
    let too_large = 2 * 1024 * 1024;
    for (path, status) in [("/read", "413"), ("/unread", "200"), ("/nowhere", "404")] {
        let mut request = post_of(path, too_large).into_bytes();
        request.resize(request.len() + 400_000, b'x');
        let answer = exchange(address, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{path}: {answer}");
    }
    // What is small and there is passed over, and the connection goes on.
    let mut stream = connect(address).await;
    for path in ["/unread", "/nowhere", "/read"] {
        stream
            .write_all(format!("{}{{}}", post_of(path, 2)).as_bytes())
            .await
            .unwrap();
        let answer = one_answer(&mut stream).await;
        assert!(!answer.contains("connection: close"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_end_waits_for_open_requests_and_takes_no_new_ones() {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = tokio::sync::oneshot::channel::<()>();
    let once = Arc::new(std::sync::Mutex::new(Some((begun, goes_on))));
    let router = Router::new().route(
        "/",
        get(move || {
            let (begun, goes_on) = once.lock().unwrap().take().unwrap();
            async move {
                begun.send(()).unwrap();
                goes_on.await.unwrap();
                "finished"
            }
        }),
    );
    let (address, server) = serving(router, Limits::default());
    let request = get_of("/");
    let open = exchange(address, request.as_bytes());
    let ending = async {
        has_begun.await.unwrap();
        server.stop().cancel();
        let turned_away = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            go_on.send(()).unwrap();
        };
        tokio::join!(server.finish(), turned_away).0.unwrap();
    };
    let (answer, ()) = tokio::join!(open, ending);
    assert!(answer.ends_with("finished"));
}
