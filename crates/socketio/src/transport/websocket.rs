use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::tcp::OwnedReadHalf,
};

use super::decoder::{Decoder, Message};
use crate::errors::Violation;

/// Bytes read at once.
const READ: usize = 64 * 1024;

thread_local! {
    /// All streams of a thread are read into this one buffer, so that an idle one holds none.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// The reading half of a WebSocket. What is written goes through the
/// [`Outbox`](crate::outbox::Outbox).
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: OwnedReadHalf,
    decoder: Decoder,
}

impl WebSocket {
    /// `early`: what was read of the stream before.
    pub(crate) fn new(stream: OwnedReadHalf, early: &[u8], max_message: usize) -> Self {
        let mut decoder = Decoder::new(max_message);
        decoder.feed(early);
        Self { stream, decoder }
    }

    /// The next message; `None` when the stream has ended, in whatever way.
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Violation>>> {
        loop {
            match self.decoder.next() {
                Ok(None) => {}
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Err(violation) => return Poll::Ready(Some(Err(violation))),
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(None),
                Ok(_) => {}
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.decoder.feed(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }
}
