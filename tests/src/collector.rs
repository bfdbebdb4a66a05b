//! A collector of OpenTelemetry: takes what is exported by OTLP over HTTP, and keeps it.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A span as it was exported, and by which service.
#[derive(Clone, Debug)]
pub struct Exported {
    pub service: String,
    pub span: Span,
}

/// Serves on a port of its own until it is dropped.
#[derive(Debug)]
pub struct Collector {
    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: String,
    exported: Arc<Mutex<Vec<Exported>>>,
    serving: JoinHandle<()>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a loopback port for the collector");
        let address = listener.local_addr().expect("a bound listener has an address");
        let exported = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&exported)));
        Self {
            endpoint: format!("http://{address}"),
            exported,
            serving,
        }
    }

    /// All spans of this name so far.
    pub fn spans(&self, name: &str) -> Vec<Exported> {
        let exported = self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        let named = exported.iter().filter(|exported| exported.span.name == name);
        named.cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, exported: Arc<Mutex<Vec<Exported>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let exported = Arc::clone(&exported);
        // One by one: a process has one exporter.
        tokio::spawn(async move { connection(stream, &exported).await });
    }
}

/// Requests of one connection, until it closes.
async fn connection(stream: TcpStream, exported: &Mutex<Vec<Exported>>) {
    let mut stream = BufReader::new(stream);
    while let Some((line, length)) = head(&mut stream).await {
        assert!(line.starts_with("POST /v1/traces "), "{line}");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("the body of an export");
        let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("an export of spans");
        let spans = request.resource_spans.into_iter().flat_map(|of_resource| {
            let service = service(of_resource.resource.as_ref());
            let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| Exported {
                service: service.clone(),
                span,
            })
        });
        exported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(spans);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        stream
            .write_all(answer)
            .await
            .expect("who exports reads the answer");
    }
}

/// The first line of a request and the length of its body; `None` at the end of the connection.
async fn head(stream: &mut BufReader<TcpStream>) -> Option<(String, usize)> {
    let (mut first, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            return Some((first?, length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
        first.get_or_insert_with(|| line.to_owned());
    }
}

fn service(resource: Option<&Resource>) -> String {
    let attributes = resource.into_iter().flat_map(|resource| &resource.attributes);
    let mut names = attributes.filter(|attribute| attribute.key == "service.name");
    match names.next().and_then(|name| name.value.clone()?.value) {
        Some(Value::StringValue(name)) => name,
        other => panic!("a service's name, not {other:?}"),
    }
}
