use models::events::{EventError, GET_ME, Me};
use socketio::Socket;

use super::reply;
use crate::member::Member;

/// `GetMe`: the session's user, to the sender.
pub(crate) fn handle(socket: &Socket, member: &Member) -> Result<Me, EventError> {
    reply(socket, GET_ME, &member.user);
    Ok(Me {
        me: member.user.clone(),
    })
}
