//! Which broker is this? The version is in the first frame it sends, which lapin reads and keeps to itself, so this asks
//! on a connection of its own. The broker logs that connection as closed early; hence only `doctor` asks.

use std::io;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use lapin::tcp::{AMQPUriTcpExt, RustlsConnector};
use lapin::types::parsing::parse_field_table;
use lapin::types::{AMQPValue, FieldTable};
use tokio::time::timeout;

use super::dial::CONNECT_DEADLINE;
use super::tls::secured;
use super::{AmqpError, AmqpUrl};
use crate::runtime::tls_advice;

/// The protocol header of AMQP 0-9-1; the broker answers `connection.start`.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// type (1), channel (2), size of the payload (4)
const FRAME_HEADER_BYTES: usize = 7;
/// class (2), method (2), major and minor version (2); the server's properties follow
const BEFORE_PROPERTIES_BYTES: usize = 6;
/// A start frame has some hundred bytes; whatever announces more is not a broker.
const MAX_FRAME_BYTES: u32 = 64 * 1024;

/// For example "RabbitMQ 3.10.8".
pub(super) async fn broker_version(url: &AmqpUrl) -> Result<String, AmqpError> {
    let tls = url.connector()?;
    match timeout(CONNECT_DEADLINE, read_start(url, tls.as_ref())).await {
        Ok(Ok(properties)) => Ok(format!(
            "{} {}",
            text(&properties, "product"),
            text(&properties, "version")
        )),
        Ok(Err(source)) => Err(match tls_advice(&source) {
            Some(advice) => AmqpError::Tls { advice },
            None => AmqpError::Probe { source },
        }),
        Err(_elapsed) => Err(AmqpError::Timeout {
            operation: "reading the broker's version",
        }),
    }
}

async fn read_start(url: &AmqpUrl, tls: Option<&RustlsConnector>) -> io::Result<FieldTable> {
    let runtime = lapin::runtime::default_runtime().map_err(io::Error::other)?;
    let stream = url.uri().connect_async(&runtime).await?;
    let mut stream = secured(stream, tls, url.host()).await?;
    stream.write_all(PROTOCOL_HEADER).await?;
    stream.flush().await?;
    let mut header = [0; FRAME_HEADER_BYTES];
    stream.read_exact(&mut header).await?;
    let [_, _, _, size @ ..] = header;
    let size = u32::from_be_bytes(size);
    if size > MAX_FRAME_BYTES {
        return Err(not_amqp());
    }
    let mut payload = vec![0; size as usize];
    stream.read_exact(&mut payload).await?;
    let properties = payload.get(BEFORE_PROPERTIES_BYTES..).ok_or_else(not_amqp)?;
    parse_field_table(properties)
        .map(|(_rest, table)| table)
        .map_err(|_unparsable| not_amqp())
}

fn text(properties: &FieldTable, key: &str) -> String {
    match properties.inner().get(key) {
        Some(AMQPValue::LongString(value)) => value.to_string(),
        _ => "unknown".to_owned(),
    }
}

fn not_amqp() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the peer does not speak AMQP 0-9-1")
}
