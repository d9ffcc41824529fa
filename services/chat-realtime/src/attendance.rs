use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use messaging::{Connection, Presence, Unavailable};
use models::RoomName;

/// The connections of this node that are in a room, and their heartbeats.
pub(crate) struct Attendance {
    presence: Presence,
    here: Mutex<HashMap<String, Connection>>,
}

impl Attendance {
    pub(crate) fn new(presence: Presence) -> Self {
        Self {
            presence,
            here: Mutex::default(),
        }
    }

    /// The connection enters its room, and stays until [`Attendance::leave`].
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(crate) async fn enter(&self, connection: Connection) -> Result<(), Unavailable> {
        self.presence.join(&connection).await?;
        self.here().insert(connection.socket.clone(), connection);
        Ok(())
    }

    /// The connection leaves its room. Where Redis cannot be told, its place goes when no heartbeat comes.
    pub(crate) async fn leave(&self, connection: &Connection) {
        self.here().remove(&connection.socket);
        let _ = self.presence.leave(connection).await;
    }

    /// One round of heartbeats, and of sweeping what dead nodes left in the rooms of this one.
    ///
    /// # Errors
    /// When Redis does not answer; the next round makes up for it.
    pub(crate) async fn beat(&self) -> Result<(), Unavailable> {
        let connections: Vec<_> = self.here().values().cloned().collect();
        let rooms: HashSet<RoomName> = connections
            .iter()
            .map(|connection| connection.room.clone())
            .collect();
        for lost in self.presence.heartbeat(connections).await? {
            self.enter_again(&lost).await?;
        }
        for room in rooms {
            self.presence.sweep(&room).await?;
        }
        Ok(())
    }

    /// The connection may leave while this is under way, so both ends are looked at.
    async fn enter_again(&self, connection: &Connection) -> Result<(), Unavailable> {
        if self.is_here(connection) {
            self.presence.join(connection).await?;
            if !self.is_here(connection) {
                self.presence.leave(connection).await?;
            }
        }
        Ok(())
    }

    fn is_here(&self, connection: &Connection) -> bool {
        let here = self.here();
        let place = here.get(&connection.socket);
        place.is_some_and(|place| place.room == connection.room)
    }

    fn here(&self) -> MutexGuard<'_, HashMap<String, Connection>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
