use std::rc::Rc;

use models::{
    User,
    events::{
        ADD_CHAT, ADD_ROOM, Accepted, ErrorCode, EventError, GET_CHAT, GET_ME, GET_ROOM, GET_USER,
        NOT_AUTHENTICATED, Refused, TRY_AGAIN,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use socketio::{
    AckSender, ConnectError, DisconnectReason, Event, HandshakeData, Namespace, Socket,
};

use crate::{
    events::{self, add_chat, add_room, get_chat, get_me, get_room, get_user},
    member::Member,
    node::Node,
    session_sockets::SessionSockets,
    user_connections::TooMany,
};

/// What a client reads whose user has too many connections.
const TOO_MANY_CONNECTIONS: &str = "Too many connections. Close another tab and try again";

/// The namespace of the chat on one worker thread.
pub(crate) struct Chat {
    node: Node,
    session_sockets: SessionSockets,
}

impl Chat {
    pub(crate) fn new(node: Node, session_sockets: SessionSockets) -> Self {
        Self {
            node,
            session_sockets,
        }
    }

    /// Makes a member of the socket, for as long as its session lives.
    async fn admit(
        &self,
        socket: &Socket,
        request: &HandshakeData,
    ) -> Result<Member, ConnectError> {
        let sessions = &self.node.sessions;
        let cookie = request.cookie(sessions.cookie_name()).unwrap_or_default();
        let session = sessions.id(&cookie).ok_or_else(not_authenticated)?;
        loop {
            // First, so that no end of the session is missed between asking for it and here.
            let registration = self.session_sockets.register(&session, socket.id());
            let user = self.introduce(&cookie).await?;
            if registration.is_current() {
                let place = self.node.user_connections.admit(user.id);
                let place = place.map_err(|TooMany| ConnectError::new(TOO_MANY_CONNECTIONS))?;
                return Ok(Member::new(user, place, registration));
            }
            // It ended meanwhile, or its user has another name now.
        }
    }

    /// The session's user, who is written down for others to see.
    async fn introduce(&self, cookie: &str) -> Result<User, ConnectError> {
        let try_again = |_| ConnectError::new(TRY_AGAIN);
        let session = self.node.sessions.load(cookie).await.map_err(try_again)?;
        let user = session.and_then(|(_, session)| session.user);
        let user = user.ok_or_else(not_authenticated)?;
        let introduced = self.node.presence.introduce(&user).await;
        introduced.map_err(try_again).map(|()| user)
    }
}

fn not_authenticated() -> ConnectError {
    ConnectError::new(NOT_AUTHENTICATED)
}

impl Namespace for Chat {
    async fn connect(
        &self,
        socket: &Socket,
        request: &HandshakeData,
        _auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        let member = self.admit(socket, request).await?;
        tracing::debug!(user = %member.user.id, "connected");
        socket.set_state(Rc::new(member));
        Ok(())
    }

    async fn event(&self, socket: &Socket, event: Event) {
        let Some(member) = socket.state::<Member>() else {
            return;
        };
        let node = &self.node;
        let Event {
            name, args, ack, ..
        } = event;
        let payload = args.first().map_or("null", |arg| arg.get());
        let asked = match name.as_str() {
            GET_ROOM | ADD_ROOM | GET_USER | GET_CHAT => {
                events::admit(&node.request_rate, member.user.id, "requests").await
            }
            _ => Ok(()),
        };
        if let Err(error) = asked {
            return answer::<()>(ack, Err(error));
        }
        match name.as_str() {
            GET_ME => answer(ack, get_me::handle(socket, &member)),
            GET_ROOM => answer(ack, get_room::handle(node, socket).await),
            ADD_ROOM => answer(ack, add_room::handle(node, socket, &member, payload).await),
            GET_USER => answer(ack, get_user::handle(node, socket, payload).await),
            GET_CHAT => answer(ack, get_chat::handle(node, socket, payload).await),
            ADD_CHAT => answer(ack, add_chat::handle(node, &member, payload).await),
            _ => {
                let error = EventError::new(ErrorCode::Invalid, "There is no such event");
                answer::<()>(ack, Err(error));
            }
        }
    }

    async fn disconnect(&self, socket: &Socket, reason: DisconnectReason) {
        if let Some(member) = socket.state::<Member>() {
            add_room::leave(&self.node, socket, &member).await;
            tracing::debug!(user = %member.user.id, %reason, "disconnected");
        }
    }
}

/// Acknowledges what came of an event, where the client asked to be told.
fn answer<T: Serialize>(ack: Option<AckSender>, result: Result<T, EventError>) {
    let Some(ack) = ack else {
        if let Err(error) = result {
            tracing::debug!(code = ?error.code, "an event without acknowledgement was refused");
        }
        return;
    };
    let sent = match result {
        Ok(data) => ack.send(&Accepted::from(data)),
        Err(error) => ack.send(&Refused::from(error)),
    };
    if let Err(error) = sent {
        tracing::error!(%error, "an acknowledgement could not be sent");
    }
}
