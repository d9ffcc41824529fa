use std::{cell::RefCell, sync::Arc};

use messaging::Connection;
use models::User;

use crate::{session_sockets::Registration, user_connections::UserPlace};

/// What a socket is to the chat: somebody's connection, in one room or in none. Kept with the socket.
pub(crate) struct Member {
    pub(crate) user: User,
    /// Set while the socket is in a room.
    pub(crate) place: RefCell<Option<Arc<Connection>>>,
    _connection: UserPlace,
    _session: Registration,
}

impl Member {
    pub(crate) fn new(user: User, connection: UserPlace, session: Registration) -> Self {
        Self {
            user,
            place: RefCell::new(None),
            _connection: connection,
            _session: session,
        }
    }

    pub(crate) fn is_in(&self, room: &models::RoomName) -> bool {
        self.place
            .borrow()
            .as_ref()
            .is_some_and(|place| place.room == *room)
    }
}
