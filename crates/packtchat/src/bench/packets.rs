//! What a delivery looks like, found without parsing JSON.
//!
//! A post's text begins with `~number~`. Whatever the server makes of the rest of the packet, the
//! first `~` in it is the stamp's: neither names nor ids here have one.

use memchr::{memchr, memmem};
use serde_json::Value;

const MARK: u8 = b'~';

/// The packets of one namespace that matter here.
pub(crate) struct Packets {
    chat: Vec<u8>,
    ack: Vec<u8>,
    disconnect: Vec<u8>,
    refused: memmem::Finder<'static>,
}

/// A Socket.IO packet, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// A post was delivered. `None` where the text has no stamp.
    Chat { number: Option<u64> },
    /// A post was accepted or refused.
    Answer {
        number: u64,
        /// The code, where it was refused.
        refusal: Option<String>,
    },
    /// The server's DISCONNECT.
    Disconnect,
    /// Something else, such as presence.
    Other(&'a [u8]),
}

impl Packets {
    /// Those of this namespace.
    pub(crate) fn of(namespace: &str) -> Packets {
        Packets {
            chat: format!("42{namespace},[\"AddChat\"").into_bytes(),
            ack: format!("43{namespace},").into_bytes(),
            disconnect: format!("41{namespace},").into_bytes(),
            refused: memmem::Finder::new(b"\"ok\":false"),
        }
    }

    /// What a packet is.
    pub(crate) fn read<'a>(&self, packet: &'a [u8]) -> Packet<'a> {
        if let Some(rest) = packet.strip_prefix(self.chat.as_slice()) {
            return Packet::Chat {
                number: stamp(rest),
            };
        }
        if let Some(rest) = packet.strip_prefix(self.ack.as_slice())
            && let Some(end) = memchr(b'[', rest)
            && let Some(number) = digits(&rest[..end])
        {
            let refused = self.refused.find(&rest[end..]).is_some();
            return Packet::Answer {
                number,
                refusal: refused.then(|| code(&rest[end..])),
            };
        }
        if packet.starts_with(&self.disconnect) {
            return Packet::Disconnect;
        }
        Packet::Other(packet)
    }
}

/// The beginning of the text of post `number`.
pub(crate) fn stamped(number: u64) -> String {
    let mark = char::from(MARK);
    format!("{mark}{number}{mark}")
}

/// Whether a delivery carries all that an `AddChat` has to.
pub(crate) fn is_whole(packet: &[u8]) -> bool {
    let json = memchr(b'[', packet).map(|start| &packet[start..]);
    let event = json.and_then(|json| serde_json::from_slice::<Value>(json).ok());
    event.is_some_and(|event| {
        ["id", "message", "room", "ts", "user"]
            .iter()
            .all(|field| !event[1][field].is_null())
    })
}

fn stamp(packet: &[u8]) -> Option<u64> {
    let rest = &packet[memchr(MARK, packet)? + 1..];
    digits(&rest[..memchr(MARK, rest)?])
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// The code of a refusal; servers other than ours may give none.
fn code(answer: &[u8]) -> String {
    serde_json::from_slice::<Value>(answer)
        .ok()
        .and_then(|answer| answer[0]["error"]["code"].as_str().map(str::to_owned))
        .unwrap_or_else(|| "no code".to_owned())
}

#[cfg(test)]
mod tests {
    use models::events::{ErrorCode, EventError, Refused};

    use super::*;

    fn read(packet: &str) -> Packet<'_> {
        Packets::of("/packtchat").read(packet.as_bytes())
    }

    #[test]
    fn a_delivery_is_known_by_its_stamp_wherever_the_text_stands() {
        let chat = |text: &str| {
            format!(
                "42/packtchat,[\"AddChat\",{{\"id\":\"1\",\"seq\":3,\"message\":\"{text}\",\"room\":\"r\"}}]"
            )
        };
        let number = |text: &str| match read(&chat(text)) {
            Packet::Chat { number } => number,
            other => panic!("{other:?}"),
        };
        assert_eq!(number(&format!("{}xxx", stamped(4321))), Some(4321));
        for text in ["hello", "~12", "~~", "~1a~", "~99999999999999999999~"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let accepted = Packet::Answer {
            number: 17,
            refusal: None,
        };
        assert_eq!(read("43/packtchat,17[{\"ok\":true,\"seq\":1}]"), accepted);
        let refused = Refused::from(EventError::new(ErrorCode::RateLimited, "wait"));
        let packet = format!(
            "43/packtchat,18[{}]",
            serde_json::to_string(&refused).unwrap()
        );
        let expected = Packet::Answer {
            number: 18,
            refusal: Some("rate_limited".into()),
        };
        assert_eq!(read(&packet), expected);
        let unexplained = Packet::Answer {
            number: 19,
            refusal: Some("no code".into()),
        };
        assert_eq!(read("43/packtchat,19[{\"ok\":false}]"), unexplained);
    }

    #[test]
    fn the_rest_is_left_alone() {
        assert_eq!(read("41/packtchat,"), Packet::Disconnect);
        for packet in [
            "42/packtchat,[\"AddUser\",{}]",
            "42/other,[\"AddChat\"]",
            "43/packtchat,[]",
        ] {
            assert_eq!(read(packet), Packet::Other(packet.as_bytes()));
        }
    }

    #[test]
    fn a_whole_delivery_has_all_fields() {
        let whole = "42/packtchat,[\"AddChat\",{\"id\":1,\"message\":\"m\",\"room\":\"r\",\"ts\":1,\"user\":{}}]";
        assert!(is_whole(whole.as_bytes()));
        assert!(!is_whole(whole.replace("\"ts\":1,", "").as_bytes()));
    }
}
