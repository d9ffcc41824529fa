//! One connection, whatever carries it: the session's decisions carried out on sockets, handlers
//! and the outbox. The transport feeds it messages and the time and polls it; it lives in that
//! transport's task, on one thread, and is never shared.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use engineioxide_core::Sid;

use crate::{
    config::Config,
    engine::{EngineMessage, EngineSocket},
    errors::{CloseReason, DisconnectReason, Violation, close_reason},
    event::{AckSender, Event},
    handshake::HandshakeData,
    hub::Place,
    member::{Member, Outcome},
    outbox::Outbox,
    pace::Pace,
    server::Shared,
    session::{Action, Session, Tick},
    socket::Socket,
};

pub(crate) struct Connection {
    shared: Rc<Shared>,
    session: Session,
    outbox: Rc<Outbox>,
    request: Rc<HandshakeData>,
    /// In the order of their CONNECTs. Of several sockets of one namespace, all but the last
    /// have ended and run their last handlers.
    members: Vec<Member>,
    closed: Option<CloseReason>,
    reading: bool,
    pace: Pace,
    _place: Place,
}

impl Connection {
    pub(crate) fn open(
        shared: Rc<Shared>,
        request: HandshakeData,
        place: Place,
        upgradable: bool,
        now: Instant,
    ) -> Self {
        let config = shared.hub().config();
        let (session, open) = Session::open(config, shared.purpose(upgradable), now);
        let outbox = Rc::new(Outbox::new(config, shared.flusher()));
        outbox.push(open);
        shared.add(session.id(), &outbox);
        tracing::debug!("a connection was opened");
        Self {
            pace: Pace::new(config.max_messages_per_second, now),
            _place: place,
            shared,
            session,
            outbox,
            request: Rc::new(request),
            members: Vec::new(),
            closed: None,
            reading: true,
        }
    }

    pub(crate) fn id(&self) -> Sid {
        self.session.id()
    }

    pub(crate) fn outbox(&self) -> &Rc<Outbox> {
        &self.outbox
    }

    pub(crate) fn config(&self) -> &Config {
        self.shared.hub().config()
    }

    /// A text message arrived.
    pub(crate) fn text(&mut self, text: &str, now: Instant) {
        self.pace.count(now);
        let action = self.session.text(text, now);
        self.act(action);
    }

    /// A binary message arrived.
    pub(crate) fn binary(&mut self, bytes: Bytes, now: Instant) {
        self.pace.count(now);
        let action = self.session.binary(bytes);
        self.act(action);
    }

    fn act(&mut self, action: Result<Action, Violation>) {
        match action {
            Ok(Action::None) => {}
            Ok(Action::Send(frame)) => self.outbox.push(frame),
            Ok(Action::Connect { namespace, auth }) => {
                let endpoint = self.shared.endpoint(namespace);
                let socket = Socket::new(
                    endpoint.name.clone(),
                    self.outbox.clone(),
                    endpoint.rooms.clone(),
                );
                self.members.push(Member::connect(
                    namespace,
                    endpoint.handler.clone(),
                    socket,
                    self.request.clone(),
                    auth,
                ));
            }
            Ok(Action::Event {
                namespace,
                payload,
                attachments,
                ack,
            }) => {
                if let Some(member) = self.current(namespace) {
                    let ack = ack.map(|id| AckSender::new(member.socket().clone(), id));
                    member.receive(Event {
                        name: payload.name,
                        args: payload.args,
                        attachments,
                        ack,
                    });
                }
            }
            Ok(Action::Ack { namespace, id, ack }) => {
                if let Some(member) = self.current(namespace) {
                    member.socket().acknowledged(id, ack);
                }
            }
            Ok(Action::Engine(message)) => self.engine(message),
            Ok(Action::Leave { namespace }) => {
                if let Some(member) = self.current(namespace) {
                    member.end(DisconnectReason::ClientLeft);
                }
            }
            Ok(Action::Close) => self.close(CloseReason::ClientClosed),
            Err(violation) => self.violated(&violation),
        }
    }

    fn engine(&mut self, message: EngineMessage) {
        let Some(handler) = self.shared.engine() else {
            return;
        };
        let socket = EngineSocket::new(self.outbox.clone());
        if catch_unwind(AssertUnwindSafe(|| handler(&socket, message))).is_err() {
            tracing::error!("a handler panicked; its connection is closed");
            self.close(CloseReason::HandlerPanicked);
        }
    }

    fn current(&mut self, namespace: usize) -> Option<&mut Member> {
        self.members
            .iter_mut()
            .rfind(|member| member.namespace() == namespace)
    }

    /// The client broke a rule.
    pub(crate) fn violated(&mut self, violation: &Violation) {
        self.close(close_reason(violation));
    }

    /// Ends the session; the first reason counts. The transport sees it in
    /// [`closed`](Self::closed).
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.closed.is_some() {
            return;
        }
        tracing::debug!(reason = reason.as_str(), "a connection was closed");
        self.shared.hub().count_closed(reason);
        for member in &mut self.members {
            if reason == CloseReason::ServerClosed {
                member.socket().tell_put_out();
            }
            member.end(DisconnectReason::Closed(reason));
        }
        self.closed = Some(reason);
    }

    /// Why the session ended, once it has.
    pub(crate) fn closed(&self) -> Option<CloseReason> {
        self.closed
    }

    /// Whether the transport may hand over another message. While it may not, handlers are
    /// behind or the client is ahead of its pace, and it cannot be blamed for pongs that are not
    /// read.
    pub(crate) fn wants_input(&mut self, now: Instant) -> bool {
        let config = self.shared.hub().config();
        let keeping_up = self
            .members
            .iter()
            .all(|member| member.has_room(config.max_pending_events, config.max_payload));
        // Sockets that left but whose handlers still run are bounded too.
        let wants = keeping_up
            && self.members.len() <= 2 * self.shared.namespaces()
            && self.pace.resume(now).is_none();
        if wants && !self.reading {
            self.session.excuse(now);
        }
        self.reading = wants;
        wants
    }

    /// When [`tick`](Self::tick) wants to be called next.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let deadline = self.session.deadline();
        let resume = self.pace.resume(now);
        resume.map_or(deadline, |resume| resume.min(deadline))
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        if self.closed.is_some() {
            return;
        }
        if !self.reading {
            self.session.excuse(now);
        }
        match self.session.tick(now) {
            Tick::None => {}
            Tick::Send(frame) => self.outbox.push(frame),
            Tick::Close(reason) => self.close(reason),
        }
    }

    /// Runs the handlers. Ready when the session has ended and all its handlers have too.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut index = 0;
            while index < self.members.len() {
                if self.drive(index, cx) {
                    self.members.remove(index);
                } else {
                    index += 1;
                }
            }
            match self.outbox.poll_asked_to_close(cx) {
                // The handlers that this ends have to run on.
                Some(reason) if self.closed.is_none() => self.close(reason),
                _ => break,
            }
        }
        if self.closed.is_some() && self.members.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Takes one socket's work as far as it goes. True when the socket is done with.
    fn drive(&mut self, index: usize, cx: &mut Context<'_>) -> bool {
        loop {
            let member = &mut self.members[index];
            if member.is_put_out() {
                self.session.put_out(member.namespace());
                member.end(DisconnectReason::ServerLeft);
            }
            let Poll::Ready(outcome) = member.poll(cx) else {
                return false;
            };
            match outcome {
                Outcome::Admitted if member.has_ended() => {}
                Outcome::Admitted => {
                    let connect = self.session.admit(member.namespace(), member.socket().id());
                    member.socket().admitted(connect);
                }
                Outcome::Refused(error) => {
                    if !member.has_ended() {
                        self.outbox
                            .push(self.session.refuse(member.namespace(), &error));
                    }
                    member.socket().disconnected();
                    return true;
                }
                Outcome::Handled => {}
                Outcome::Done => return true,
                Outcome::Panicked => {
                    tracing::error!(
                        namespace = member.socket().namespace(),
                        "a handler panicked; its connection is closed"
                    );
                    self.close(CloseReason::HandlerPanicked);
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Only when the runtime stops or a bug panics are there members left; they would keep
        // the room table alive, and it them.
        for member in &self.members {
            member.socket().disconnected();
        }
        self.outbox.end();
        self.shared.remove(self.session.id());
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use actix_web::test::TestRequest;
    use futures_util::task::noop_waker;
    use serde_json::value::RawValue;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{ConnectError, Hub, Namespace, Rooms, SocketIo, frame::Frame};

    /// Notes what it is asked; `wait`s for a permit; panics where it is told to.
    #[derive(Clone, Default)]
    struct Test(Rc<Notes>);

    struct Notes {
        log: RefCell<Vec<String>>,
        gate: Semaphore,
        panics_in: &'static str,
    }

    impl Default for Notes {
        fn default() -> Self {
            Self {
                log: RefCell::default(),
                gate: Semaphore::new(0),
                panics_in: "",
            }
        }
    }

    impl Test {
        fn note(&self, what: &str) {
            self.0.log.borrow_mut().push(what.to_owned());
            assert_ne!(self.0.panics_in, what);
        }
    }

    impl Namespace for Test {
        async fn connect(
            &self,
            _socket: &Socket,
            _request: &HandshakeData,
            auth: Option<Box<RawValue>>,
        ) -> Result<(), ConnectError> {
            if auth.is_some() {
                self.0.gate.acquire().await.unwrap().forget();
            }
            self.note("connect");
            Ok(())
        }

        async fn event(&self, socket: &Socket, event: Event) {
            match event.name.as_str() {
                "wait" => self.0.gate.acquire().await.unwrap().forget(),
                "out" => socket.disconnect(false),
                _ => {}
            }
            self.note(&event.name);
        }

        async fn disconnect(&self, _socket: &Socket, reason: DisconnectReason) {
            self.note(&reason.to_string());
        }
    }

    struct Fixture {
        connection: Connection,
        outbox: Rc<Outbox>,
        test: Test,
        hub: Hub,
        now: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            Self::panicking("")
        }

        fn panicking(panics_in: &'static str) -> Self {
            let config = Config {
                ping_interval: Duration::from_secs(10),
                ping_timeout: Duration::from_secs(5),
                max_pending_events: 2,
                max_payload: 1_000,
                max_messages_per_second: 20,
                ..Config::default()
            };
            let test = Test(Rc::new(Notes {
                panics_in,
                ..Notes::default()
            }));
            let hub = Hub::new(config);
            let io = SocketIo::builder(&hub)
                .namespace("/", Rooms::new(), test.clone())
                .build();
            let now = Instant::now();
            let request = TestRequest::default().to_http_request();
            let request = HandshakeData::new(request.head(), hub.config());
            let place = hub.admit(None).unwrap();
            let connection = Connection::open(io.0.clone(), request, place, false, now);
            Self {
                outbox: connection.outbox().clone(),
                connection,
                test,
                hub,
                now,
            }
        }

        fn says(&mut self, text: &str) -> &mut Self {
            self.connection.text(text, self.now);
            self
        }

        fn run(&mut self) -> Poll<()> {
            let waker = noop_waker();
            self.connection.poll(&mut Context::from_waker(&waker))
        }

        fn read(&self) -> Vec<Frame> {
            let frames = self.outbox.take().into_iter();
            frames.map(Frame::from_bytes).collect()
        }

        fn log(&self) -> Vec<String> {
            self.test.0.log.take()
        }
    }

    #[test]
    fn events_are_handled_one_after_another_and_before_the_end() {
        let mut fixture = Fixture::new();
        fixture.says("40").says(r#"40{"again":1}"#);
        assert_eq!(
            fixture.connection.closed(),
            Some(CloseReason::UnexpectedPacket)
        );

        let mut fixture = Fixture::new();
        let _ = fixture.says("40").run();
        let _ = fixture.says(r#"42["wait"]"#).says(r#"42["b"]"#).run();
        assert_eq!(fixture.log(), ["connect"]);
        fixture.says("1");
        assert_eq!(fixture.connection.closed(), Some(CloseReason::ClientClosed));
        assert_eq!(fixture.run(), Poll::Pending);
        fixture.test.0.gate.add_permits(1);
        assert_eq!(fixture.run(), Poll::Ready(()));
        assert_eq!(fixture.log(), ["wait", "b", "client closed"]);
        assert_eq!(fixture.hub.connections(), 1);
        drop(fixture.connection);
        assert_eq!(fixture.hub.connections(), 0);
    }

    #[test]
    fn an_admission_that_comes_too_late_is_followed_by_its_goodbye() {
        let mut fixture = Fixture::new();
        let _ = fixture.says(r#"40{"wait":1}"#).run();
        fixture.read();
        fixture.connection.close(CloseReason::TransportClosed);
        fixture.test.0.gate.add_permits(1);
        assert_eq!(fixture.run(), Poll::Ready(()));
        assert_eq!(fixture.log(), ["connect", "transport closed"]);
        assert_eq!(fixture.read(), []);
    }

    #[test]
    fn a_panic_closes_the_connection_and_owes_one_goodbye_to_the_admitted() {
        for (panics_in, log) in [
            ("connect", vec!["connect"]),
            ("a", vec!["connect", "a", "internal error"]),
        ] {
            let mut fixture = Fixture::panicking(panics_in);
            let _ = fixture.says("40").run();
            if fixture.connection.closed().is_none() {
                fixture.says(r#"42["a"]"#).says(r#"42["b"]"#);
            }
            assert_eq!(fixture.run(), Poll::Ready(()));
            assert_eq!(fixture.log(), log);
            let reason = fixture.connection.closed();
            assert_eq!(reason, Some(CloseReason::HandlerPanicked));
        }
        // One that panics while the connection ends, or in the goodbye itself.
        for (panics_in, log) in [
            ("a", vec!["connect", "a", "client closed"]),
            ("client closed", vec!["connect", "a", "b", "client closed"]),
        ] {
            let mut fixture = Fixture::panicking(panics_in);
            let _ = fixture.says("40").run();
            fixture.says(r#"42["a"]"#).says(r#"42["b"]"#).says("1");
            assert_eq!(fixture.run(), Poll::Ready(()));
            assert_eq!(fixture.log(), log);
        }
    }

    #[test]
    fn what_follows_a_putting_out_is_not_handled() {
        let mut fixture = Fixture::new();
        let _ = fixture.says("40").run();
        let _ = fixture.says(r#"42["out"]"#).says(r#"42["b"]"#).run();
        assert_eq!(fixture.log(), ["connect", "out", "server left"]);
        assert_eq!(fixture.connection.closed(), None);
        assert_eq!(fixture.read().last(), Some(&Frame::text("1")));
    }

    #[test]
    fn a_client_ahead_of_its_handler_is_not_read_and_not_blamed() {
        let mut fixture = Fixture::new();
        let _ = fixture.says("40").run();
        let _ = fixture.says(r#"42["wait"]"#).run();
        assert!(fixture.connection.wants_input(fixture.now));
        fixture.says(r#"42["b"]"#).says(r#"42["c"]"#);
        assert!(!fixture.connection.wants_input(fixture.now));
        // Its pong would be behind the events that are not read.
        for _ in 0..10 {
            fixture.now = fixture.connection.deadline(fixture.now);
            fixture.connection.tick(fixture.now);
        }
        assert_eq!(fixture.connection.closed(), None);
        fixture.test.0.gate.add_permits(1);
        let _ = fixture.run();
        assert!(fixture.connection.wants_input(fixture.now));
        let patience = Duration::from_secs(5);
        assert_eq!(
            fixture.connection.deadline(fixture.now),
            fixture.now + patience
        );
        fixture.now = fixture.connection.deadline(fixture.now);
        fixture.connection.tick(fixture.now);
        assert_eq!(fixture.connection.closed(), Some(CloseReason::PingTimeout));
    }

    #[test]
    fn a_client_that_sends_too_fast_is_read_at_its_pace_and_not_blamed() {
        let mut fixture = Fixture::new();
        let _ = fixture.says("40").run();
        let mut sent = 1;
        while fixture.connection.wants_input(fixture.now) {
            let _ = fixture.says(r#"42["a"]"#).run();
            sent += 1;
        }
        assert_eq!(sent, 20);
        let resume = fixture.connection.deadline(fixture.now);
        assert_eq!(resume, fixture.now + Duration::from_millis(50));
        fixture.now = resume;
        fixture.connection.tick(fixture.now);
        assert_eq!(fixture.connection.closed(), None);
        assert!(fixture.connection.wants_input(fixture.now));
        assert!(fixture.connection.deadline(fixture.now) > resume + Duration::from_secs(5));
    }

    #[test]
    fn closed_connections_are_counted_by_their_reasons() {
        let mut fixture = Fixture::new();
        fixture.says("nonsense");
        assert_eq!(fixture.hub.closed(CloseReason::InvalidPacket), 1);
        assert_eq!(fixture.hub.closed(CloseReason::ClientClosed), 0);
    }

    #[test]
    fn large_events_hold_a_client_back_too() {
        let mut fixture = Fixture::new();
        let _ = fixture.says("40").run();
        let _ = fixture.says(r#"42["wait"]"#).run();
        fixture.says(&format!(r#"42["b","{}"]"#, "x".repeat(1_000)));
        assert!(!fixture.connection.wants_input(fixture.now));
    }

    #[test]
    fn comings_and_goings_faster_than_the_goodbyes_are_held_back() {
        let mut fixture = Fixture::new();
        let mut rounds = 0;
        while fixture.connection.wants_input(fixture.now) {
            let _ = fixture.says("40").run();
            let _ = fixture.says(r#"42["wait"]"#).run();
            fixture.says("41");
            rounds += 1;
            assert!(rounds < 10, "not held back");
        }
        fixture.test.0.gate.add_permits(rounds);
        let _ = fixture.run();
        assert!(fixture.connection.wants_input(fixture.now));
        let goodbyes = fixture
            .log()
            .iter()
            .filter(|what| *what == "client left")
            .count();
        assert_eq!(goodbyes, rounds);
    }
}
