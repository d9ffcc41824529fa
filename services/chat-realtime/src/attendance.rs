use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use messaging::{Connection, Presence, Unavailable};
use models::RoomName;

/// Rooms whose heartbeats are under way at the same time.
const ROOMS_AT_ONCE: usize = 32;

/// The connections of this node that are in a room, and their heartbeats.
pub(crate) struct Attendance {
    presence: Presence,
    here: Mutex<HashMap<RoomName, Places>>,
}

/// The connections in one room, by socket.
type Places = HashMap<String, Arc<Connection>>;

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
    pub(crate) async fn enter(&self, connection: Arc<Connection>) -> Result<(), Unavailable> {
        self.presence.join(&connection).await?;
        let mut here = self.here();
        let places = here.entry(connection.room.clone()).or_default();
        places.insert(connection.socket.clone(), connection);
        Ok(())
    }

    /// The connection leaves its room. Where Redis cannot be told, its place goes when no heartbeat comes.
    pub(crate) async fn leave(&self, connection: &Connection) {
        self.remove(connection);
        let _ = self.presence.leave(connection).await;
    }

    fn remove(&self, connection: &Connection) {
        let mut here = self.here();
        if let Some(places) = here.get_mut(&connection.room) {
            places.remove(&connection.socket);
            if places.is_empty() {
                here.remove(&connection.room);
            }
        }
    }

    /// One round of heartbeats, and of sweeping what dead nodes left in the rooms of this one.
    ///
    /// # Errors
    /// When Redis does not answer; the next round makes up for it.
    pub(crate) async fn beat(&self) -> Result<(), Unavailable> {
        let rooms: Vec<(RoomName, Vec<Arc<Connection>>)> = self
            .here()
            .iter()
            .map(|(room, places)| (room.clone(), places.values().cloned().collect()))
            .collect();
        let users: HashSet<_> = rooms
            .iter()
            .flat_map(|(_, connections)| connections)
            .map(|connection| connection.user.id)
            .collect();
        stream::iter(rooms)
            .map(Ok)
            .try_for_each_concurrent(ROOMS_AT_ONCE, async |(room, connections)| {
                self.beat_in(&room, &connections).await
            })
            .await?;
        let users: Vec<_> = users.into_iter().collect();
        self.presence.mark_active(&users).await
    }

    async fn beat_in(
        &self,
        room: &RoomName,
        connections: &[Arc<Connection>],
    ) -> Result<(), Unavailable> {
        let heartbeat = self.presence.heartbeat(room, connections).await?;
        for lost in heartbeat.lost {
            self.enter_again(&lost).await?;
        }
        if heartbeat.sweep {
            self.presence.sweep(room).await?;
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
        let places = here.get(&connection.room);
        places.is_some_and(|places| places.contains_key(&connection.socket))
    }

    fn here(&self) -> MutexGuard<'_, HashMap<RoomName, Places>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
