use std::rc::Rc;

use models::events::{
    ADD_CHAT, ADD_ROOM, Accepted, ErrorCode, EventError, GET_CHAT, GET_ME, GET_ROOM, GET_USER,
    NOT_AUTHENTICATED, Refused, TRY_AGAIN,
};
use serde::Serialize;
use serde_json::value::RawValue;
use socketio::{
    AckSender, ConnectError, DisconnectReason, Event, HandshakeData, Namespace, Socket,
};

use crate::{
    events::{add_chat, add_room, get_chat, get_me, get_room, get_user},
    member::Member,
    node::Node,
    user_connections::TooMany,
};

/// What a client reads whose user has too many connections.
const TOO_MANY_CONNECTIONS: &str = "Too many connections. Close another tab and try again";

/// The namespace of the chat on one worker thread.
pub(crate) struct Chat {
    node: Node,
}

impl Chat {
    pub(crate) fn new(node: Node) -> Self {
        Self { node }
    }

    /// The session's user, who is written down for others to see.
    async fn admit(&self, request: &HandshakeData) -> Result<Member, ConnectError> {
        let try_again = |_| ConnectError::new(TRY_AGAIN);
        let sessions = &self.node.sessions;
        let cookie = request.cookie(sessions.cookie_name()).unwrap_or_default();
        let session = sessions.load(&cookie).await.map_err(try_again)?;
        let user = session
            .and_then(|(_, session)| session.user)
            .ok_or_else(|| ConnectError::new(NOT_AUTHENTICATED))?;
        self.node
            .presence
            .introduce(&user)
            .await
            .map_err(try_again)?;
        let place = self.node.user_connections.admit(user.id);
        let place = place.map_err(|TooMany| ConnectError::new(TOO_MANY_CONNECTIONS))?;
        Ok(Member::new(user, place))
    }
}

impl Namespace for Chat {
    async fn connect(
        &self,
        socket: &Socket,
        request: &HandshakeData,
        _auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        let member = self.admit(request).await?;
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
