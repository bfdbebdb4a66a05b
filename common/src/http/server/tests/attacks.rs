//! Clients that hold connections and memory as long as they are let.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::http::request::BODY_TIMEOUT;

/// Long enough that a busy machine does not take an ordinary pause for silence.
const SHORT: Duration = Duration::from_millis(500);

/// How long it took until the server closed.
async fn closed(mut stream: TcpStream) -> Duration {
    let began = Instant::now();
    rest(&mut stream).await;
    began.elapsed()
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let limits = Limits {
        header_timeout: SHORT,
        ..Limits::default()
    };
    let (address, _server) = serving(routes(), limits);
    for sent in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow"] {
        let mut stream = connect(address).await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        let took = closed(stream).await;
        assert!(took >= SHORT / 2 && took < IDLE_TIMEOUT, "{sent:?} {took:?}");
    }
    // The second request of a connection, too; and a drop at a time is no progress.
    let mut stream = connect(address).await;
    stream.write_all(get_of("/").as_bytes()).await.unwrap();
    one_answer(&mut stream).await;
    let began = Instant::now();
    while stream.write_all(b"G").await.is_ok() {
        assert!(began.elapsed() < LONG, "it is never closed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_silent_connection_ends_sooner_when_many_are_open() {
    let limits = Limits {
        connections: 4,
        idle_timeout: LONG * 10,
        crowded_idle_timeout: SHORT,
        ..Limits::default()
    };
    let (address, _server) = serving(routes(), limits.clone());
    let silent = async |stream: &mut TcpStream| {
        stream.write_all(get_of("/").as_bytes()).await.unwrap();
        assert!(one_answer(stream).await.ends_with("hello"));
    };
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(address).await;
        silent(&mut stream).await;
        streams.push(stream);
    }
    let [first, ..] = streams.as_mut_slice() else {
        unreachable!()
    };
    assert_eq!(rest(first).await, "", "more than half were open");
    let (address, _server) = serving(
        routes(),
        Limits {
            idle_timeout: SHORT,
            connections: 1_000,
            ..limits
        },
    );
    let mut alone = connect(address).await;
    silent(&mut alone).await;
    assert!(closed(alone).await >= SHORT / 2);
}

#[tokio::test]
async fn a_busy_connection_is_not_silent() {
    let limits = Limits {
        idle_timeout: SHORT,
        header_timeout: SHORT,
        ..Limits::default()
    };
    let (address, _server) = serving(routes(), limits);
    let mut stream = connect(address).await;
    let began = Instant::now();
    while began.elapsed() < SHORT * 3 {
        stream.write_all(get_of("/").as_bytes()).await.unwrap();
        assert!(one_answer(&mut stream).await.ends_with("hello"));
        tokio::time::sleep(SHORT / 20).await;
    }
}

#[tokio::test]
async fn who_does_not_take_an_answer_is_let_go() {
    let limits = Limits {
        write_timeout: SHORT,
        ..Limits::default()
    };
    let seen = Arc::new(std::sync::Mutex::new(None));
    let note = {
        let seen = Arc::clone(&seen);
        async move |Extension(connection): Extension<Connection>| {
            *seen.lock().unwrap() = Some(connection);
            vec![b'x'; LARGE]
        }
    };
    let (address, _server) = serving(Router::new().route("/", get(note)), limits);
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(address).await;
        // It asks and asks.
        stream.write_all(get_of("/").repeat(50).as_bytes()).await.unwrap();
        deaf.push(stream);
    }
    let is_over = || {
        let seen = seen.lock().unwrap();
        let connection: Option<&Connection> = seen.as_ref();
        connection.is_some_and(|connection| connection.server().open.count() == 0)
    };
    let began = Instant::now();
    while !is_over() {
        assert!(began.elapsed() < LONG, "they are held");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for mut stream in deaf {
        assert!(rest(&mut stream).await.len() < LARGE);
    }
    // Who reads gets all of it.
    let whole = exchange(address, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(whole.len() > LARGE);
}

#[tokio::test]
async fn there_is_a_place_for_so_many_connections() {
    let limits = Limits {
        connections: 6,
        client_connections: 2,
        limits_loopback: true,
        trusted: "127.0.0.3".parse().unwrap(),
        ..Limits::default()
    };
    let (address, _server) = serving(routes(), limits);
    let from = async |host: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{host}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(get_of("/").as_bytes()).await.ok();
        let answer = one_answer(&mut stream).await;
        (stream, answer)
    };
    let mut open = Vec::new();
    for (host, status) in [
        ("127.0.0.1", "200"),
        ("127.0.0.1", "200"),
        ("127.0.0.1", "429"),
        ("127.0.0.2", "200"),
        ("127.0.0.3", "200"),
        ("127.0.0.3", "200"),
        ("127.0.0.3", "200"),
        ("127.0.0.3", "503"),
    ] {
        let (stream, answer) = from(host).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{host}: {answer}"
        );
        if status != "200" {
            assert!(
                answer.contains("retry-after: 1\r\n") && answer.contains("connection: close\r\n"),
                "{answer}"
            );
            assert!(
                answer.contains("{\"error\":\"") && answer.contains("\"request_id\":\""),
                "{answer}"
            );
        }
        open.push(stream);
    }
    drop(open);
    let began = Instant::now();
    while !from("127.0.0.1").await.1.starts_with("HTTP/1.1 200") {
        assert!(began.elapsed() < LONG, "places are not given back");
    }
}

/// Hundreds of slow senders, of bodies and of none, and of deaf ones beside a neighbour.
#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_have_their_time_and_their_neighbour_none_of_it() {
    const SLOW: usize = 200;
    let limits = Limits {
        bodies_bytes: 1024 * 1024,
        ..Limits::default()
    };
    let (address, _server) = serving(routes(), limits);
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = connect(address).await;
        let mut sent = post_of("/read", 60_000).into_bytes();
        sent.resize(sent.len() + 20_000, b'x');
        stream.write_all(&sent).await.unwrap();
        slow.push(stream);
    }
    // All of them had 4 MiB of 1: some have no room, the others less time, and the neighbour's body is read.
    let (mut refused, mut late) = (0, 0);
    for (number, mut stream) in slow.into_iter().enumerate() {
        let small = format!("{}{}", post_of("/read", 1_000), "y".repeat(1_000));
        let mut neighbour = connect(address).await;
        neighbour.write_all(small.as_bytes()).await.unwrap();
        let answer = one_answer(&mut neighbour).await;
        assert!(answer.ends_with("1000 bytes"), "{number}: {answer}");
        let answer = rest(&mut stream).await;
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        refused += usize::from(answer.starts_with("HTTP/1.1 503"));
        late += usize::from(answer.starts_with("HTTP/1.1 408"));
    }
    assert_eq!(refused + late, SLOW, "each is answered");
    assert!(refused > 0 && late > 0, "{refused} {late}");
}

/// Who sends slowly makes no handler wait, and each request comes there as it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_to_its_handler_when_its_body_is_there() {
    let entered = Arc::new(AtomicUsize::new(0));
    let note = {
        let entered = Arc::clone(&entered);
        async move |request: Request| {
            entered.fetch_add(1, Ordering::Relaxed);
            let (uri, names) = (request.uri().clone(), request.headers().clone());
            let name = |name: &str| {
                names
                    .get_all(name)
                    .iter()
                    .map(|v| v.to_str().unwrap())
                    .collect::<Vec<_>>()
            };
            let (hosts, twice) = (name("host"), name("x-twice"));
            match Received::read_up_to(request, 1_000_000).await {
                Ok(received) => {
                    format!("{uri} {hosts:?} {twice:?} {} bytes", received.body().len()).into_response()
                }
                Err(rejection) => DialectErrors::Plain.print(&rejection),
            }
        }
    };
    let (address, _server) = serving(Router::new().route("/a", post(note)), Limits::default());
    let most = arrival::AWAITED_BYTES;
    for (length, waits) in [(10, true), (most, true), (most * 2, false)] {
        entered.store(0, Ordering::Relaxed);
        let head = format!(
            "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: {length}\r\n\r\n"
        );
        let mut stream = connect(address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; length - 1]).await.unwrap();
        let began = Instant::now();
        while !waits && entered.load(Ordering::Relaxed) == 0 {
            assert!(
                began.elapsed() < LONG,
                "the handler reads the rest of a long body"
            );
            tokio::task::yield_now().await;
        }
        let early = tokio::time::timeout(SHORT, stream.read_u8()).await;
        assert!(early.is_err(), "no answer before the end");
        assert_eq!(entered.load(Ordering::Relaxed), usize::from(!waits), "{length}");
        stream.write_all(b"x").await.unwrap();
        let answer = one_answer(&mut stream).await;
        let want = format!("/a?b=c [\"x\"] [\"1\", \"2\"] {length} bytes");
        assert!(answer.ends_with(&want), "{answer}");
    }
}

#[tokio::test]
async fn a_slow_body_has_less_time_when_many_connections_are_open() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let (address, _server) = serving(routes(), limits);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(address).await;
        stream.write_all(post_of("/read", 10).as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    let answer = rest(&mut slow[0]).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(began.elapsed() < BODY_TIMEOUT, "{:?}", began.elapsed());
}
