use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{errors::EncodeError, frame::Frame, socket::Socket};

/// Names the client library keeps for itself; the reference server takes them for malformed.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// What an argument costs beside its text, in bytes: its place in the list and an allocation.
const ARGUMENT: usize = 48;

/// An event a client sent.
#[derive(Debug)]
pub struct Event {
    /// The event's name.
    pub name: String,
    /// Its arguments, each well-formed JSON. Where an attachment belongs stands
    /// `{"_placeholder":true,"num":N}`.
    pub args: Vec<Box<RawValue>>,
    /// Binary attachments in the order of their placeholders' numbers.
    pub attachments: VecDeque<Bytes>,
    /// Present when the client waits for an acknowledgement.
    pub ack: Option<AckSender>,
}

impl Event {
    /// The argument at `index` as a `T`; a missing one is read like `null`.
    ///
    /// # Errors
    /// When the argument is no `T`.
    pub fn arg<T: DeserializeOwned>(&self, index: usize) -> Result<T, serde_json::Error> {
        parse(&self.args, index)
    }

    /// Roughly the bytes it holds: of small arguments many times what arrived.
    pub(crate) fn size(&self) -> usize {
        let args = self.args.iter().map(|arg| arg.get().len() + ARGUMENT);
        let args: usize = args.sum();
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        self.name.len() + args + attachments
    }
}

/// A client's answer to an event.
#[derive(Debug)]
pub struct Ack {
    /// Its arguments, as those of an [`Event`].
    pub args: Vec<Box<RawValue>>,
    /// Binary attachments, as those of an [`Event`].
    pub attachments: VecDeque<Bytes>,
}

impl Ack {
    /// The argument at `index` as a `T`; a missing one is read like `null`.
    ///
    /// # Errors
    /// When the argument is no `T`.
    pub fn arg<T: DeserializeOwned>(&self, index: usize) -> Result<T, serde_json::Error> {
        parse(&self.args, index)
    }
}

fn parse<T: DeserializeOwned>(args: &[Box<RawValue>], index: usize) -> serde_json::Result<T> {
    serde_json::from_str(args.get(index).map_or("null", |arg| arg.get()))
}

/// Answers one event. Dropped without sending, it sends nothing, and the client goes on waiting.
#[derive(Debug)]
pub struct AckSender {
    socket: Socket,
    id: i64,
}

impl AckSender {
    pub(crate) fn new(socket: Socket, id: i64) -> Self {
        Self { socket, id }
    }

    /// Sends the acknowledgement, with a tuple as several arguments and anything else as one.
    /// Nothing is sent once the socket is disconnected.
    ///
    /// # Errors
    /// When `data` cannot be serialized.
    pub fn send<T: Serialize + ?Sized>(self, data: &T) -> Result<(), EncodeError> {
        let frame = Frame::ack(self.socket.namespace(), self.id, data)?;
        self.socket.send(&frame);
        Ok(())
    }

    /// Sends the acknowledgement from arguments and attachments as an [`Event`] holds them.
    ///
    /// # Errors
    /// When the arguments cannot be serialized.
    pub fn send_parts(
        self,
        args: &[Box<RawValue>],
        attachments: VecDeque<Bytes>,
    ) -> Result<(), EncodeError> {
        let frame = Frame::ack_parts(self.socket.namespace(), self.id, args, attachments)?;
        self.socket.send(&frame);
        Ok(())
    }
}

/// The payload of an EVENT packet, `[name, ...args]`, checked and taken apart.
#[derive(Debug)]
pub(crate) struct EventPayload {
    pub(crate) name: String,
    pub(crate) args: Vec<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for EventPayload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Payload;

        impl<'de> Visitor<'de> for Payload {
            type Value = EventPayload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event's name and arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<EventPayload, A::Error> {
                let name: String = seq
                    .next_element()?
                    .ok_or_else(|| Error::invalid_length(0, &self))?;
                if RESERVED.contains(&name.as_str()) {
                    return Err(Error::custom("reserved event name"));
                }
                let mut args = Vec::new();
                while let Some(arg) = seq.next_element()? {
                    args.push(arg);
                }
                Ok(EventPayload { name, args })
            }
        }

        deserializer.deserialize_seq(Payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_name_and_arguments_apart() {
        let payload: EventPayload =
            serde_json::from_str(r#"["a \"b\" \u00e9", {"x": [1, 2]}, null]"#).unwrap();
        assert_eq!(payload.name, "a \"b\" é");
        let args: Vec<_> = payload.args.iter().map(|arg| arg.get()).collect();
        assert_eq!(args, [r#"{"x": [1, 2]}"#, "null"]);
    }

    #[test]
    fn small_arguments_count_as_what_they_cost() {
        let json = format!(r#"["a"{}]"#, ",1".repeat(1_000));
        let EventPayload { name, args } = serde_json::from_str(&json).unwrap();
        let event = Event {
            name,
            args,
            attachments: VecDeque::new(),
            ack: None,
        };
        let list = event.args.capacity() * size_of::<Box<RawValue>>();
        assert!(event.size() >= list + json.len());
    }

    #[test]
    fn refuses_what_is_no_event() {
        for malformed in [
            "",
            "[]",
            "{}",
            "[1]",
            "[null]",
            r#"["a",]"#,
            r#"["a""#,
            r#"["a"] x"#,
            r#"["connect"]"#,
            r#"["disconnecting", 1]"#,
        ] {
            assert!(
                serde_json::from_str::<EventPayload>(malformed).is_err(),
                "{malformed}"
            );
        }
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let depth = 50_000;
        let json = format!(r#"["a",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
        let payload: EventPayload = serde_json::from_str(&json).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(payload.args[0].get()).is_err());
    }
}
