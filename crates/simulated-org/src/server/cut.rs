//! A connection that can be closed in the middle of an answer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Where the next answer is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// In the middle of the headers; else of the body.
    pub(super) in_headers: bool,
    /// The share of them that is sent, 0 to 1.
    pub(super) share: f64,
}

impl Cut {
    /// How many bytes of an answer are sent: at least one, and never all.
    fn length(self, answer: &[u8]) -> usize {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let head = end.map_or(answer.len(), |end| end + 4);
        let (before, part) = if self.in_headers {
            (0, head)
        } else {
            (head, answer.len() - head)
        };
        let sent = before + (part as f64 * self.share) as usize;
        sent.clamp(1, answer.len().saturating_sub(1).max(1))
    }
}

/// Says where the next answer of a connection is cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Scissors(Arc<Mutex<Option<Cut>>>);

impl Scissors {
    /// Cuts the answer that is about to be written.
    pub(super) fn cut(&self, cut: Cut) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    }

    fn take(&self) -> Option<Cut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A connection whose [`Scissors`] may close it. Writes are not vectored, so that headers and body come as one.
pub(super) struct Cuttable {
    stream: TcpStream,
    scissors: Scissors,
    /// Bytes left to send before it closes.
    left: Option<usize>,
}

impl Cuttable {
    pub(super) fn new(stream: TcpStream, scissors: Scissors) -> Self {
        Self {
            stream,
            scissors,
            left: None,
        }
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(cut) = self.scissors.take() {
            self.left = Some(cut.length(buf));
        }
        let Some(left) = self.left else {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        };
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let part = buf.get(..left.min(buf.len())).unwrap_or(buf);
        let written = Pin::new(&mut self.stream).poll_write(cx, part);
        if let Poll::Ready(Ok(written)) = &written {
            self.left = Some(left - written);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
