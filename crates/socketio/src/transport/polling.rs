//! Carries a [`Connection`] over HTTP long-polling, and from there to a WebSocket. The requests
//! arrive on any thread; they come here as [`Visit`]s.

use std::{
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::rt;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{decoder::Message, websocket::WebSocket};
use crate::{
    connection::Connection,
    errors::{CloseReason, Violation},
    frame::{Frame, Payload, payloads},
    handshake::Rejection,
    hub::Entry,
    outbox::Outbox,
};

/// How long polls may arrive after a goodbye.
const CROSSING: Duration = Duration::from_secs(5);
/// Packets in one payload: as many as clients in Python take. An event that has more, with its
/// attachments, goes alone.
const MAX_PACKETS: usize = 16;
/// How long a client may take to read that its WebSocket is not wanted.
const TURN_AWAY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between the packets of a payload.
const SEPARATOR: char = '\u{1e}';
const NOOP: &str = "6";
const CLOSE: &str = "1";

/// A request of a client that polls.
#[derive(Debug)]
pub(crate) enum Visit {
    /// It asks for what waits for it, and waits for that.
    Poll(oneshot::Sender<Answer>),
    /// It brings packets.
    Post(Bytes, oneshot::Sender<Answer>),
    /// It opened a WebSocket and may want to use it instead.
    Probe(Box<Upgrade>),
}

/// A WebSocket whose handshake is agreed on.
#[derive(Debug)]
pub(crate) struct Upgrade {
    pub(crate) stream: std::net::TcpStream,
    /// The answer to the handshake, not written yet.
    pub(crate) response: Bytes,
    /// What was read behind the handshake.
    pub(crate) early: BytesMut,
}

/// What a request is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Payload(String),
    Accepted,
    Rejected(Rejection),
}

/// What came of a turn.
pub(crate) enum Step {
    /// Nothing.
    None,
    /// Something.
    Some,
    /// The client changed to this WebSocket.
    Upgraded(WebSocket, Entry),
    /// The session has ended and the client was told.
    Done,
}

pub(crate) struct Polling {
    visits: mpsc::Receiver<Visit>,
    /// The request that waits for packets.
    poll: Option<oneshot::Sender<Answer>>,
    post: Option<Post>,
    probe: Option<Probe>,
    /// How long polls may arrive after the client's goodbye, or after the application's.
    crossing_until: Option<Instant>,
    /// Taken when the client changes to a WebSocket, and at the end.
    entry: Option<Entry>,
}

/// Packets a client brought, of which some are not taken yet.
struct Post {
    body: Bytes,
    reply: oneshot::Sender<Answer>,
}

/// A WebSocket that may take over.
struct Probe {
    socket: WebSocket,
    outbox: Rc<Outbox>,
    /// The client probed it and was answered.
    proven: bool,
    until: Instant,
}

impl Polling {
    /// A session that `poll` opens.
    pub(crate) fn new(
        entry: Entry,
        visits: mpsc::Receiver<Visit>,
        poll: oneshot::Sender<Answer>,
    ) -> Self {
        Self {
            visits,
            poll: Some(poll),
            post: None,
            probe: None,
            crossing_until: None,
            entry: Some(entry),
        }
    }

    /// When [`tick`](Self::tick) wants to be called, or the session, which wants it at `session`
    /// while it has not ended.
    pub(crate) fn deadline(&self, session: Instant) -> Instant {
        let probe = self.probe.as_ref().map(|probe| probe.until);
        let open = probe.map_or(session, |probe| probe.min(session));
        self.crossing_until.unwrap_or(open)
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        if let Some(probe) = self.probe.take_if(|probe| probe.until <= now) {
            probe.turn_away();
        }
    }

    pub(crate) fn poll(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
        now: Instant,
        turn: &mut usize,
    ) -> Step {
        // A request that comes after the deadline is too late, whatever timers say.
        if connection.deadline(now) <= now {
            connection.tick(now);
        }
        if let Some(reason) = connection.closed() {
            let awaits = match reason {
                CloseReason::ClientClosed => self.awaits_poll(cx, now),
                CloseReason::ServerClosed => self.says_apart(connection.outbox(), cx, now),
                _ => false,
            };
            if awaits {
                return Step::None;
            }
            self.finish(connection.outbox(), reason);
            return Step::Done;
        }
        let mut progressed = false;
        while connection.closed().is_none()
            && let Poll::Ready(Some(visit)) = self.visits.poll_recv(cx)
        {
            self.visited(visit, connection, now);
            progressed = true;
        }
        progressed |= self.take_packets(connection, now, turn);
        progressed |= self.give_packets(connection, cx);
        if connection.closed().is_none()
            && let Some(step) = self.poll_probe(connection, cx, &mut progressed)
        {
            return step;
        }
        if progressed { Step::Some } else { Step::None }
    }

    /// Says what waits in answers of its own, as the reference does: of a socket that is put out
    /// and of the end of the session in one answer, stock clients hear the latter first, and take
    /// it for an accident. Whether a poll is waited for, be it for that or for the end.
    fn says_apart(&mut self, outbox: &Outbox, cx: &mut Context<'_>, now: Instant) -> bool {
        loop {
            if self.awaits_poll(cx, now) {
                return true;
            }
            match self.poll.take_if(|_| !outbox.is_empty()) {
                Some(poll) => {
                    let _ = poll.send(Answer::Payload(payload(outbox, None)));
                }
                None => return false,
            }
        }
    }

    /// Whether a poll is waited for at the end: the client's goodbye may arrive before the poll it
    /// sent first, which came to another thread, and the application's between two polls.
    fn awaits_poll(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        while self.poll.is_none()
            && let Poll::Ready(Some(visit)) = self.visits.poll_recv(cx)
        {
            if let Visit::Poll(reply) = visit {
                self.poll = Some(reply);
            }
        }
        let until = *self.crossing_until.get_or_insert(now + CROSSING);
        self.poll.is_none() && now < until
    }

    fn visited(&mut self, visit: Visit, connection: &mut Connection, now: Instant) {
        match visit {
            Visit::Poll(reply) if self.poll.is_none() => self.poll = Some(reply),
            Visit::Post(body, reply) if self.post.is_none() => {
                self.post = Some(Post { body, reply });
            }
            Visit::Poll(reply) | Visit::Post(_, reply) => {
                connection.close(CloseReason::ConcurrentRequests);
                let _ = reply.send(Answer::Rejected(Rejection::BadRequest));
            }
            Visit::Probe(upgrade) => match Probe::new(*upgrade, connection, now) {
                Some(second) if self.probe.is_some() => second.turn_away(),
                Some(probe) => self.probe = Some(probe),
                None => {}
            },
        }
    }

    /// Hands over the packets that were brought and are wanted, until the turn is over. False
    /// when nothing changed.
    fn take_packets(
        &mut self,
        connection: &mut Connection,
        now: Instant,
        turn: &mut usize,
    ) -> bool {
        let mut progressed = false;
        while let Some(mut post) = self.post.take() {
            if *turn == 0 || !connection.wants_input(now) {
                self.post = Some(post);
                break;
            }
            *turn -= 1;
            progressed = true;
            let (packet, rest) = split(&post.body);
            match std::str::from_utf8(&packet) {
                Ok(packet) => connection.text(packet, now),
                Err(_) => connection.violated(&Violation::Utf8),
            }
            match (rest, connection.closed()) {
                (Some(rest), None) => {
                    post.body = rest;
                    self.post = Some(post);
                }
                (_, None | Some(CloseReason::ClientClosed)) => {
                    let _ = post.reply.send(Answer::Accepted);
                }
                (_, Some(_)) => {
                    let _ = post.reply.send(Answer::Rejected(Rejection::BadRequest));
                }
            }
            if connection.closed().is_some() {
                break;
            }
        }
        progressed
    }

    /// Answers the request that waits, if there is something to say. False when nothing changed.
    fn give_packets(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> bool {
        let Some(mut poll) = self.poll.take() else {
            return false;
        };
        if poll.poll_closed(cx).is_ready() {
            // A client that no longer waits may not have got what it was sent before.
            connection.close(CloseReason::TransportClosed);
            return true;
        }
        let outbox = connection.outbox();
        let payload = if !outbox.is_empty() {
            payload(outbox, None)
        } else if self.probe.as_ref().is_some_and(|probe| probe.proven) {
            NOOP.to_owned()
        } else {
            self.poll = Some(poll);
            return false;
        };
        if poll.send(Answer::Payload(payload)).is_err() {
            connection.close(CloseReason::TransportClosed);
        }
        true
    }

    fn poll_probe(
        &mut self,
        connection: &Connection,
        cx: &mut Context<'_>,
        progressed: &mut bool,
    ) -> Option<Step> {
        let mut probe = self.probe.take()?;
        if probe.outbox.poll_asked_to_close(cx).is_some() {
            *progressed = true;
            return None;
        }
        let _ = probe.outbox.poll_blocked(cx);
        // What was brought before the change has to be heard before it.
        if probe.proven && self.post.is_some() {
            self.probe = Some(probe);
            return None;
        }
        let Poll::Ready(message) = probe.socket.poll_message(cx) else {
            self.probe = Some(probe);
            return None;
        };
        *progressed = true;
        match message {
            Some(Ok(Message::Text(text))) if text == "2probe" && !probe.proven => {
                probe.outbox.push(Frame::probe());
                probe.proven = true;
                self.probe = Some(probe);
                None
            }
            Some(Ok(Message::Text(text))) if text == "5" && probe.proven => {
                let (stream, before) = probe.outbox.detach()?;
                if let Some(poll) = self.poll.take() {
                    let _ = poll.send(Answer::Payload(NOOP.to_owned()));
                }
                connection.outbox().attach(stream, before);
                let entry = self.entry.take()?;
                entry.upgraded();
                Some(Step::Upgraded(probe.socket, entry))
            }
            Some(Ok(Message::Ping(payload))) => {
                probe.outbox.push(Frame::pong(&payload));
                self.probe = Some(probe);
                None
            }
            // Anything else is no probe: that WebSocket is closed, the session goes on.
            _ => {
                probe.turn_away();
                None
            }
        }
    }

    /// Tells the client that the session has ended, with what still waited for it.
    fn finish(&mut self, outbox: &Outbox, reason: CloseReason) {
        // Whoever is told so is not to find the session from another thread.
        self.entry = None;
        let last = if reason == CloseReason::ClientClosed {
            NOOP
        } else {
            CLOSE
        };
        if let Some(poll) = self.poll.take() {
            let _ = poll.send(Answer::Payload(payload(outbox, Some(last))));
        }
        if let Some(post) = self.post.take() {
            let _ = post.reply.send(Answer::Rejected(Rejection::BadRequest));
        }
    }
}

impl Probe {
    fn new(upgrade: Upgrade, connection: &Connection, now: Instant) -> Option<Self> {
        let Upgrade {
            stream,
            response,
            early,
        } = upgrade;
        let config = connection.config();
        let (read, write) = TcpStream::from_std(stream).ok()?.into_split();
        let outbox = Rc::new(connection.outbox().sibling(config));
        outbox.attach(write, [response].into());
        Some(Self {
            socket: WebSocket::new(read, &early, config.max_payload),
            outbox,
            proven: false,
            until: now + config.upgrade_timeout,
        })
    }

    /// Closes the WebSocket, which is not wanted.
    fn turn_away(self) {
        self.outbox
            .close(Frame::close(CloseReason::UnexpectedPacket));
        rt::spawn(timeout(TURN_AWAY_TIMEOUT, async move {
            poll_fn(|cx| self.outbox.poll_flush(cx)).await;
        }));
    }
}

/// The first packet of a payload, and the rest of it, if there is one.
pub(crate) fn split(body: &Bytes) -> (Bytes, Option<Bytes>) {
    match body.iter().position(|byte| *byte == SEPARATOR as u8) {
        Some(at) => (body.slice(..at), Some(body.slice(at + 1..))),
        None => (body.clone(), None),
    }
}

/// What waits first, as the packets of one payload, and a last packet.
pub(crate) fn payload(outbox: &Outbox, last: Option<&str>) -> String {
    let mut payload = String::new();
    let mut packets = usize::from(last.is_some());
    while let Some(frame) = outbox
        .take_first(|frame| payload.is_empty() || packets + payloads(frame).count() <= MAX_PACKETS)
    {
        for packet in payloads(&frame) {
            packets += 1;
            separate(&mut payload);
            match packet {
                Payload::Text(text) => payload.push_str(&String::from_utf8_lossy(text)),
                Payload::Binary(bytes) => {
                    payload.push('b');
                    STANDARD.encode_string(bytes, &mut payload);
                }
            }
        }
    }
    if let Some(last) = last {
        separate(&mut payload);
        payload.push_str(last);
    }
    payload
}

fn separate(payload: &mut String) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures_util::task::noop_waker;

    use super::*;
    use crate::{config::Config, handshake::HandshakeData, hub::Hub, server::SocketIo};

    fn packets(body: &'static str) -> Vec<Bytes> {
        let mut rest = Some(Bytes::from_static(body.as_bytes()));
        let mut packets = Vec::new();
        while let Some(body) = rest.take() {
            let (packet, remains) = split(&body);
            packets.push(packet);
            rest = remains;
        }
        packets
    }

    #[test]
    fn payloads_come_apart() {
        assert_eq!(packets("4a"), ["4a"]);
        assert_eq!(packets("4a\u{1e}bAQ==\u{1e}4é"), ["4a", "bAQ==", "4é"]);
        assert_eq!(packets(""), [""]);
        assert_eq!(packets("4a\u{1e}"), ["4a", ""]);
    }

    fn outbox(frames: impl IntoIterator<Item = Frame>) -> Rc<Outbox> {
        let outbox = Rc::new(Outbox::new(&Config::default(), Rc::default()));
        for frame in frames {
            outbox.push(frame);
        }
        outbox
    }

    #[test]
    fn frames_become_packets_with_binary_as_base64() {
        let event = Frame::event("/", "b", &(Bytes::from_static(&[1, 2]), "é")).unwrap();
        let long = Frame::text(&"x".repeat(70_000));
        let expected = format!(
            "2\u{1e}451-[\"b\",{{\"_placeholder\":true,\"num\":0}},\"é\"]\u{1e}bAQI=\u{1e}4{}\u{1e}1",
            "x".repeat(70_000)
        );
        let outbox = outbox([Frame::ping(), event, long]);
        assert_eq!(payload(&outbox, Some(CLOSE)), expected);
        assert_eq!(payload(&outbox, None), "");
    }

    #[test]
    fn frames_that_are_only_a_websockets_are_left_out() {
        let close = Frame::close(CloseReason::GoingAway);
        let outbox = outbox([Frame::pong(b"x"), close, Frame::ping()]);
        assert_eq!(payload(&outbox, None), "2");
    }

    #[test]
    fn payloads_are_not_too_long_for_any_client() {
        let bytes = || [(); 10].map(|()| Bytes::from_static(b"x"));
        let event = Frame::event("/", "b", &bytes()).unwrap();
        let outbox = outbox((0..20).map(|_| Frame::ping()).chain([event]));
        let mut sizes = Vec::new();
        while !outbox.is_empty() {
            sizes.push(payload(&outbox, None).split(SEPARATOR).count());
        }
        assert_eq!(sizes, [16, 15]);
    }

    /// A session whose client was told that it is open, and has no poll under way.
    struct Fixture {
        polling: Polling,
        connection: Connection,
        hub: Hub,
        now: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            let hub = Hub::new(Config::default());
            let io = SocketIo::builder(&hub).build();
            let now = Instant::now();
            let request = TestRequest::default().to_http_request();
            let request = HandshakeData::new(request.head(), hub.config());
            let place = hub.admit(None).unwrap();
            let connection = Connection::open(io.0, request, place, true, now);
            let (entry, visits) = hub.register(connection.id());
            let (reply, mut open) = oneshot::channel();
            let mut fixture = Self {
                polling: Polling::new(entry, visits, reply),
                connection,
                hub,
                now,
            };
            assert!(matches!(fixture.run(), Step::Some));
            assert!(said(&mut open).unwrap().starts_with('0'));
            fixture
        }

        /// A poll arrives.
        fn polls(&self) -> oneshot::Receiver<Answer> {
            let (reply, answer) = oneshot::channel();
            let visits = self.hub.polling(self.connection.id()).unwrap().unwrap();
            visits.try_send(Visit::Poll(reply)).unwrap();
            answer
        }

        fn run(&mut self) -> Step {
            let waker = noop_waker();
            let mut cx = Context::from_waker(&waker);
            let Self {
                polling,
                connection,
                now,
                ..
            } = self;
            polling.poll(connection, &mut cx, *now, &mut 1)
        }
    }

    /// What a poll has been answered.
    fn said(answer: &mut oneshot::Receiver<Answer>) -> Option<String> {
        match answer.try_recv() {
            Ok(Answer::Payload(payload)) => Some(payload),
            _ => None,
        }
    }

    #[test]
    fn what_waits_is_said_before_the_end_however_late_polls_come() {
        let mut fixture = Fixture::new();
        for _ in 0..=MAX_PACKETS {
            fixture.connection.outbox().push(Frame::disconnect("/"));
        }
        fixture.connection.close(CloseReason::ServerClosed);
        assert!(matches!(fixture.run(), Step::None));

        let mut polled = fixture.polls();
        assert!(matches!(fixture.run(), Step::None));
        let packets = said(&mut polled).unwrap();
        assert_eq!(packets, ["41"; MAX_PACKETS].join("\u{1e}"));
        // The next one comes before the session's turn, and another behind it.
        let mut polled = fixture.polls();
        let mut again = fixture.polls();
        assert!(matches!(fixture.run(), Step::Done));
        assert!(fixture.hub.polling(fixture.connection.id()).is_none());
        assert_eq!(said(&mut polled).unwrap(), "41");
        assert_eq!(said(&mut again).unwrap(), CLOSE);
    }

    #[test]
    fn a_session_that_has_ended_waits_for_a_poll_and_not_for_ever() {
        for (reason, last) in [
            (CloseReason::ClientClosed, NOOP),
            (CloseReason::ServerClosed, CLOSE),
        ] {
            for comes in [true, false] {
                let mut fixture = Fixture::new();
                fixture.connection.close(reason);
                assert!(matches!(fixture.run(), Step::None));
                // It asks for nothing else, though a ping would be due before.
                let until = fixture.now + CROSSING;
                assert_eq!(fixture.polling.deadline(fixture.now), until);
                if comes {
                    let mut polled = fixture.polls();
                    assert!(matches!(fixture.run(), Step::Done));
                    assert_eq!(said(&mut polled).unwrap(), last);
                } else {
                    fixture.now = until;
                    assert!(matches!(fixture.run(), Step::Done));
                }
            }
        }
    }
}
