//! The stream of a connection: it ends by itself when its client is too slow with a request, silent between two, or does not take
//! its answers. A client that sends a byte at a time is read seldom.
//!
//! Nothing here costs a request that comes and goes whole: the one timer of a connection is set anew only when it has run out.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    bare_errors,
    connection::Connection,
    limits::{Limits, SLOWEST_READER},
};
use crate::http::request::BODY_TIMEOUT;

/// Bytes of one read. The library makes room for twice as much whenever a read fills its room, 8 KiB at first, and keeps it.
const READ_BYTES: usize = 8 * 1024 - 1;
/// Reads that bring less are small.
const SMALL_READ: usize = 512;
/// So many small reads of one request are ordinary.
const SMALL_READS: u32 = 4;
/// After more of them the stream waits before it reads again, ever longer, at most so long.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Who reads a body has given up by then and answered: this ends what nobody answers.
const BODY_GRACE: Duration = Duration::from_secs(5);
/// Bytes that are taken of a client which still sends when it has been answered, and how long: else the answer might be lost.
const LINGER_BYTES: usize = 512 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// What the client is expected to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// To begin a request, if it has one.
    Idle,
    /// To finish the head that it has begun; a new connection begins with one.
    Head,
    /// To send the body that is being read.
    Body,
}

pub(super) struct Stream {
    tcp: TcpStream,
    connection: Connection,
    /// Armed when first needed. It may run out early: then what is due is looked at again.
    sleep: Option<Pin<Box<Sleep>>>,
    turn: Turn,
    since: Instant,
    /// Of the connection's requests, how many this has seen.
    requests: u32,
    /// A part of the next head has come.
    has_begun: bool,
    /// Its first line has.
    has_line: bool,
    /// Bytes that have been written of what stands for an answer of the library's own.
    replaced: usize,
    small_reads: u32,
    paused_until: Option<Instant>,
    /// Since when the client takes nothing.
    stalled: Option<Instant>,
    /// How much longer it may.
    patience: Duration,
    /// Bytes that were taken after the last answer, and until when.
    lingered: Option<(usize, Instant)>,
}

impl Stream {
    pub(super) fn new(stream: TcpStream, connection: Connection) -> Self {
        let patience = connection.server().limits.write_timeout;
        Self {
            tcp: stream,
            connection,
            sleep: None,
            turn: Turn::Head,
            since: Instant::now(),
            requests: 0,
            has_begun: true,
            has_line: false,
            replaced: 0,
            small_reads: 0,
            paused_until: None,
            stalled: None,
            patience,
            lingered: None,
        }
    }

    fn limits(&self) -> &Limits {
        &self.connection.server().limits
    }

    /// Ready at `until`, or earlier.
    fn poll_until(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.is_elapsed() || sleep.deadline() > until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }

    /// Whose turn it is now.
    fn look(&mut self) {
        let requests = self.connection.requests();
        let is_next = requests != self.requests;
        if is_next {
            self.requests = requests;
            self.has_begun = false;
            self.has_line = false;
            self.small_reads = 0;
        }
        let turn = if self.connection.is_answering() {
            Turn::Body
        } else if self.has_begun {
            Turn::Head
        } else {
            Turn::Idle
        };
        if is_next || turn != self.turn {
            self.turn = turn;
            self.since = Instant::now();
        }
    }

    /// When the client's turn is over.
    fn due(&self) -> Instant {
        let limits = self.limits();
        let patience = match self.turn {
            Turn::Head => limits.header_timeout,
            Turn::Body => BODY_TIMEOUT + BODY_GRACE,
            Turn::Idle if self.connection.server().open.is_crowded(limits) => limits.crowded_idle_timeout,
            Turn::Idle => limits.idle_timeout,
        };
        self.since + patience
    }

    /// Nothing is there to be read: waits, but not for ever.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look();
        loop {
            let (now, due) = (Instant::now(), self.due());
            if due <= now {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // It may become crowded meanwhile.
            let again = now + self.limits().crowded_idle_timeout;
            ready!(self.poll_until(cx, due.min(again)));
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        self.look();
        if self.turn != Turn::Body {
            self.has_begun |= !bytes.is_empty();
            self.has_line = self.has_line || bytes.contains(&b'\n');
        }
        if bytes.len() >= SMALL_READ {
            self.small_reads = 0;
            return;
        }
        self.small_reads += 1;
        if let Some(more) = self.small_reads.checked_sub(SMALL_READS) {
            let pause = Duration::from_millis(1 << more.min(8));
            self.paused_until = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        }
    }

    /// What a write came to.
    fn note_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(since) = self.stalled.take() {
                    let earned = Duration::from_millis(1_000 * bytes as u64 / SLOWEST_READER as u64);
                    let left = self.patience.saturating_sub(since.elapsed());
                    self.patience = (left + earned).min(self.limits().write_timeout);
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let due = *self.stalled.get_or_insert_with(Instant::now) + self.patience;
                while due > Instant::now() {
                    ready!(self.poll_until(cx, due));
                }
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Takes what a client still sends whose request was answered before its end: a connection that is closed over unread bytes
    /// is reset, and the answer with it.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (mut bytes, until) = self.lingered.unwrap_or((0, Instant::now() + LINGER));
        let mut scratch = [0; 4_096];
        while bytes < LINGER_BYTES && Instant::now() < until {
            let mut buf = ReadBuf::new(&mut scratch);
            let read = Pin::new(&mut self.tcp).poll_read(cx, &mut buf);
            match read {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => bytes += buf.filled().len(),
                Poll::Ready(Ok(()) | Err(_)) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    self.lingered = Some((bytes, until));
                    ready!(self.poll_until(cx, until));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stalled.is_some() {
            // Who takes no answer need not ask more; the write wakes this task.
            return Poll::Pending;
        }
        if let Some(until) = this.paused_until {
            while until > Instant::now() {
                ready!(this.poll_until(cx, until));
            }
            this.paused_until = None;
            this.look();
            if this.due() <= Instant::now() {
                // A drop now and then is no progress.
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        let mut room = [MaybeUninit::uninit(); READ_BYTES];
        let room = room
            .get_mut(..buf.remaining().min(READ_BYTES))
            .unwrap_or_default();
        let mut part = ReadBuf::uninit(room);
        match Pin::new(&mut this.tcp).poll_read(cx, &mut part) {
            Poll::Ready(Ok(())) => {
                this.note_read(part.filled());
                buf.put_slice(part.filled());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_turn(cx),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write(cx, bytes);
        this.note_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some((instead, bytes)) = bare_errors::instead_of(slices, this.has_line) {
            // The rest of what cannot be read is still to come.
            this.connection.leave_unread();
            while let Some(rest) = instead.get(this.replaced..).filter(|rest| !rest.is_empty()) {
                let written = Pin::new(&mut this.tcp).poll_write(cx, rest);
                this.replaced += ready!(this.note_write(cx, written))?;
            }
            return Poll::Ready(Ok(bytes));
        }
        let written = Pin::new(&mut this.tcp).poll_write_vectored(cx, slices);
        this.note_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.tcp).poll_shutdown(cx))?;
        if this.connection.is_unread() {
            return this.poll_linger(cx);
        }
        Poll::Ready(Ok(()))
    }
}
