use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};

use super::{blame, within};
use crate::{
    errors::CloseReason,
    transport::decoder::{Decoder, Message},
};

/// The input, and messages of 512 bytes.
const MEMORY: u64 = 32 << 10;
const MAX_MESSAGE: usize = 512;
const MAX_CONTROL: usize = 125;

/// The bytes of a client after its WebSocket handshake. The first two bytes of `input` say into
/// how large chunks the rest is cut.
pub fn frames(input: &[u8]) {
    within(MEMORY, || run(input));
}

fn run(input: &[u8]) {
    let [first, second, bytes @ ..] = input else {
        return;
    };
    let sizes = [first, second].map(|size| usize::from(*size) + 1);
    let mut cut = decode(Chunks { bytes, sizes });
    for message in decode([bytes]) {
        assert_eq!(
            cut.next().as_ref(),
            Some(&message),
            "in chunks of {sizes:?}"
        );
        if let Ok(message) = message {
            accepted(message);
        }
    }
    assert_eq!(cut.next(), None, "in chunks of {sizes:?}");
}

/// A message is within its limit, and what a client would send for it is taken for the same.
fn accepted(message: Message) {
    let (kind, payload, max) = match &message {
        Message::Text(text) => (OpCode::Text, text.clone(), MAX_MESSAGE),
        Message::Binary(bytes) => (OpCode::Binary, bytes.clone(), MAX_MESSAGE),
        Message::Ping(bytes) => (OpCode::Ping, bytes.clone(), MAX_CONTROL),
        Message::Close => (OpCode::Close, Bytes::new(), 0),
    };
    assert!(payload.len() <= max, "{message:?}");
    let mut frame = BytesMut::new();
    Parser::write_message(&mut frame, payload, kind, true, true);
    assert!(decode([frame.as_ref()]).eq([Ok(message)]));
}

/// The messages up to the close frame or the first violation.
fn decode<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> impl Iterator<Item = Result<Message, CloseReason>> {
    let mut decoder = Decoder::new(MAX_MESSAGE);
    let mut chunks = chunks.into_iter();
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            match decoder.next() {
                Ok(None) => decoder.feed(chunks.next()?),
                Ok(Some(message)) => {
                    ended = message == Message::Close;
                    return Some(Ok(message));
                }
                Err(violation) => {
                    ended = true;
                    return Some(Err(blame(&violation)));
                }
            }
        }
        None
    })
}

/// Cuts bytes into chunks of two sizes that take turns.
struct Chunks<'a> {
    bytes: &'a [u8],
    sizes: [usize; 2],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.bytes.is_empty() {
            return None;
        }
        let (chunk, rest) = self.bytes.split_at(self.sizes[0].min(self.bytes.len()));
        self.bytes = rest;
        self.sizes.swap(0, 1);
        Some(chunk)
    }
}
