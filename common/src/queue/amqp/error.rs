//! What can go wrong with the broker, one variant for each operation. No message ever contains the URL: it holds a password.

use lapin::types::ShortString;

/// An operation on the broker that did not succeed. After any of these but `Url`, `TlsFile` and `NameTooLong` the connection is
/// over or about to be; the caller takes the next one from its manager.
#[derive(Debug, thiserror::Error)]
pub enum AmqpError {
    /// `AMQP_URL` cannot be used. The reason never repeats the URL.
    #[error("the AMQP URL is not usable: {reason}")]
    Url { reason: String },
    /// No connection: refused, wrong credentials, unknown virtual host.
    #[error("cannot connect to the broker")]
    Connect { source: Box<lapin::Error> },
    /// A file for TLS is missing or holds something else.
    #[error("{what} {file} cannot be used: {reason}")]
    TlsFile {
        what: &'static str,
        file: String,
        reason: String,
    },
    /// One of the two sides does not believe the other.
    #[error("cannot connect to the broker by TLS: {advice}")]
    Tls { advice: String },
    /// The broker version could not be read.
    #[error("cannot read the broker's version")]
    Probe { source: std::io::Error },
    /// A queue or exchange could not be declared.
    #[error("cannot declare {object}")]
    Declare {
        object: String,
        source: Box<lapin::Error>,
    },
    /// 406: the object is there with other settings, which the broker never changes in place.
    #[error(
        "{object} exists with other settings than this version declares ({detail}); drain and delete it, or choose another prefix"
    )]
    Differs { object: String, detail: String },
    /// An operation on a channel was refused or its channel is gone.
    #[error("{operation} failed")]
    Channel {
        operation: &'static str,
        source: Box<lapin::Error>,
    },
    /// The broker took a message and refused to keep it.
    #[error("the broker refused a message: its queue is full")]
    Refused,
    /// The broker did not answer within the operation's deadline.
    #[error("{operation}: no answer from the broker in time")]
    Timeout { operation: &'static str },
    /// The connection had already ended.
    #[error("the broker connection {number} is over: {reason}")]
    Over { number: u64, reason: String },
    /// AMQP names and message ids have at most 255 bytes. (lapin panics on longer ones.)
    #[error("the {what} is longer than 255 bytes")]
    NameTooLong { what: &'static str },
}

/// An AMQP short string; `ShortString::from` would panic on a long one.
pub(super) fn short(what: &'static str, text: &str) -> Result<ShortString, AmqpError> {
    ShortString::try_new(text).map_err(|_too_long| AmqpError::NameTooLong { what })
}

/// The broker's own words if it closed the channel with this reply code, for example 406.
pub(super) fn reply_text(error: &lapin::Error, code: u16) -> Option<&str> {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(e) if e.get_id() == code => Some(e.get_message().as_str()),
        _ => None,
    }
}
