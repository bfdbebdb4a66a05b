//! One HTTP/1.1 connection that stays open: ready bytes out, a status in. Nothing else of an answer is looked at.

use std::{io, net::SocketAddr};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Headers of an answer that are read at most.
const MAX_HEADERS: usize = 32;
const ROOM: usize = 4096;

#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where an answer's body is, and how long.
struct Head {
    status: u16,
    bytes: usize,
    body: usize,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            address,
            stream: connect(address).await?,
            buffer: Vec::with_capacity(ROOM),
        })
    }

    /// So many.
    pub(super) async fn open_all(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Self>> {
        let mut all = Vec::with_capacity(count);
        for number in 1..=count {
            let opened = Self::open(address).await;
            let what = || {
                format!("opening connection {number} of {count} to {address}: is `ulimit -n` large enough?")
            };
            all.push(opened.with_context(what)?);
        }
        Ok(all)
    }

    /// Sends one request and gives the answer's status.
    pub(super) async fn call(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(head) = head(&self.buffer)? else {
                continue;
            };
            let whole = head.bytes + head.body;
            while self.buffer.len() < whole {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(head.status);
        }
    }

    /// After a failure: what is left in the old one belongs to nobody.
    pub(super) async fn reopen(&mut self) -> io::Result<()> {
        self.stream = connect(self.address).await?;
        Ok(())
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// `None`: it is not all here yet.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(bytes).map_err(io::Error::other)?;
    let (httparse::Status::Complete(length), Some(status)) = (parsed, answer.code) else {
        return Ok(None);
    };
    let body = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = body.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    Ok(Some(Head {
        status,
        bytes: length,
        body: body.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_all_here() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 7\r\nx: y\r\n\r\n{\"a\":1}";
        assert!(head(&answer[..30]).unwrap().is_none());
        let head = head(answer).unwrap().unwrap();
        assert_eq!(
            (head.status, head.body, head.bytes + head.body),
            (202, 7, answer.len())
        );
        assert!(super::head(b"no HTTP\r\n\r\n").is_err());
    }
}
