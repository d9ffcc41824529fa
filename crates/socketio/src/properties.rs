//! What holds for all inputs, tried on random ones.

use std::{
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};
use engineioxide_core::{Packet, ProtocolVersion};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, value::RawValue};

use crate::{
    Config, Frame,
    engine::EngineMessage,
    frame::{Payload, payloads},
    outbox::Outbox,
    pace::Pace,
    session::{Action, Purpose, Session},
    transport::{
        decoder::{Decoder, Message},
        polling::{payload, split},
    },
};

/// Names the protocol keeps for itself are left out.
fn event_name() -> impl Strategy<Value = String> {
    "\\PC{0,20}".prop_map(|name| format!("x{name}"))
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[a-zé0-9_-]{1,12}"]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn bytes(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

/// What a frame says to one who has joined its namespace.
fn told(frame: Frame, namespace: &str) -> Action {
    let now = Instant::now();
    let purpose = Purpose {
        namespaces: Rc::new([namespace.into()]),
        bare: false,
        upgradable: false,
    };
    let mut session = Session::open(&Config::default(), purpose, now).0;
    session.text(&format!("40{namespace},"), now).unwrap();
    session.admit(0, "id");
    let mut last = Action::None;
    for message in payloads(&frame.into_bytes()) {
        assert!(matches!(last, Action::None), "it ends early: {last:?}");
        last = match message {
            Payload::Text(text) => session.text(std::str::from_utf8(text).unwrap(), now),
            Payload::Binary(bytes) => session.binary(Bytes::copy_from_slice(bytes)),
        }
        .unwrap();
    }
    last
}

proptest! {
    #[test]
    fn events_arrive_as_they_were_sent(
        namespace in namespace(),
        name in event_name(),
        args in vec(json(), 0..4),
        attached in vec(bytes(300), 0..4),
    ) {
        let args: Vec<_> = args.iter().map(raw).collect();
        let attached = VecDeque::from(attached);
        let frame = Frame::event_parts(&namespace, &name, &args, attached.clone()).unwrap();
        let Action::Event { payload, attachments, ack, .. } = told(frame, &namespace) else {
            panic!("no event");
        };
        prop_assert_eq!(payload.name, name);
        let texts = |args: &[Box<RawValue>]| -> Vec<String> {
            args.iter().map(|arg| arg.get().to_owned()).collect()
        };
        prop_assert_eq!(texts(&payload.args), texts(&args));
        prop_assert_eq!(attachments, attached);
        prop_assert_eq!(ack, None);
    }

    #[test]
    fn values_arrive_with_their_bytes_as_attachments(
        namespace in namespace(),
        name in event_name(),
        value in json(),
        first in bytes(300),
        second in bytes(300),
    ) {
        let data = (&first, &value, std::slice::from_ref(&second));
        let frame = Frame::event(&namespace, &name, &data).unwrap();
        let Action::Event { payload, attachments, .. } = told(frame, &namespace) else {
            panic!("no event");
        };
        prop_assert_eq!(payload.name, name);
        let args: Vec<Value> =
            payload.args.iter().map(|arg| serde_json::from_str(arg.get()).unwrap()).collect();
        let placeholder = |num| serde_json::json!({ "_placeholder": true, "num": num });
        prop_assert_eq!(args, [placeholder(0), value, Value::from(vec![placeholder(1)])]);
        prop_assert_eq!(attachments, [first, second]);
    }

    #[test]
    fn acknowledgements_arrive_as_they_were_sent(
        namespace in namespace(),
        sent in 0..=i64::MAX,
        value in json(),
        attached in bytes(300),
    ) {
        let frame = Frame::ack(&namespace, sent, &(&value, &attached)).unwrap();
        let Action::Ack { id, ack, .. } = told(frame, &namespace) else {
            panic!("no acknowledgement");
        };
        prop_assert_eq!(id, sent);
        prop_assert_eq!(ack.arg::<Value>(0).unwrap(), value);
        prop_assert_eq!(ack.attachments, [attached]);
    }

    #[test]
    fn a_polling_payload_holds_the_messages_of_its_frames(
        messages in vec(
            prop_oneof![
                // What separates packets cannot be within one.
                "[^\u{1e}]{0,200}".prop_map(EngineMessage::Text),
                bytes(200).prop_map(EngineMessage::Binary),
            ],
            1..40,
        ),
    ) {
        let outbox = Rc::new(Outbox::new(&Config::default(), Rc::default()));
        for message in &messages {
            outbox.push(match message {
                EngineMessage::Text(text) => Frame::engine_text(text),
                EngineMessage::Binary(bytes) => Frame::engine_binary(bytes),
            });
        }
        let mut arrived = Vec::new();
        while !outbox.is_empty() {
            let mut rest = Some(Bytes::from(payload(&outbox, None)));
            while let Some(body) = rest {
                let (packet, remains) = split(&body);
                let packet = String::from_utf8(packet.to_vec()).unwrap();
                arrived.push(match Packet::parse(ProtocolVersion::V4, packet).unwrap() {
                    Packet::Message(text) => EngineMessage::Text(text.to_string()),
                    Packet::Binary(bytes) => EngineMessage::Binary(bytes),
                    packet => panic!("{packet:?} is no message"),
                });
                rest = remains;
            }
        }
        prop_assert_eq!(arrived, messages);
    }

    #[test]
    fn websocket_messages_come_out_however_they_are_cut(
        messages in vec((any::<bool>(), bytes(400), vec(any::<prop::sample::Index>(), 0..3)), 1..8),
        chunks in vec(1..300_usize, 1..20),
    ) {
        let mut wire = BytesMut::new();
        let mut expected = Vec::new();
        for (text, payload, cuts) in messages {
            let kind = if text { OpCode::Text } else { OpCode::Binary };
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
            at.sort_unstable();
            at.push(payload.len());
            let mut start = 0;
            for (index, end) in at.iter().copied().enumerate() {
                let kind = if index == 0 { kind } else { OpCode::Continue };
                let last = index + 1 == at.len();
                Parser::write_message(&mut wire, &payload[start..end], kind, last, true);
                if !last {
                    Parser::write_message(&mut wire, "p", OpCode::Ping, true, true);
                    expected.push(Message::Ping("p".into()));
                }
                start = end;
            }
            expected.push(if text { Message::Text(payload) } else { Message::Binary(payload) });
        }
        let mut decoder = Decoder::new(400);
        let mut arrived = Vec::new();
        let mut wire = wire.as_ref();
        for size in chunks.into_iter().cycle() {
            if wire.is_empty() {
                break;
            }
            let (chunk, rest) = wire.split_at(size.min(wire.len()));
            decoder.feed(chunk);
            while let Some(message) = decoder.next().unwrap() {
                arrived.push(message);
            }
            wire = rest;
        }
        prop_assert_eq!(arrived, expected);
    }

    #[test]
    fn nobody_sends_more_than_a_burst_and_the_pace(
        per_second in 1..200_u32,
        pauses in vec(0..100_u64, 1..300),
    ) {
        let mut now = Instant::now();
        let mut pace = Pace::new(per_second, now);
        let mut sent = Vec::new();
        // A client that is always ready to send, and is read whenever it may be.
        for pause in pauses {
            now += Duration::from_millis(pause);
            if let Some(resume) = pace.resume(now) {
                prop_assert!(resume > now);
                now = resume;
                prop_assert_eq!(pace.resume(now), None, "it is told a wrong time");
            }
            pace.count(now);
            sent.push(now);
        }
        for (first, start) in sent.iter().enumerate() {
            for (count, end) in sent[first..].iter().enumerate() {
                let fair = (*end - *start).as_secs_f64() * f64::from(per_second);
                let most = fair + f64::from(per_second) + 1.0;
                prop_assert!((count + 1) as f64 <= most + 1e-6, "{} in {:?}", count + 1, *end - *start);
            }
        }
    }
}
