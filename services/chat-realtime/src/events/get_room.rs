use messaging::Unavailable;
use models::{
    Room,
    events::{EventError, GET_ROOM, Rooms},
};
use socketio::Socket;

use super::{reply, unavailable};
use crate::node::Node;

/// Rooms a client is told of at most.
const LISTED: usize = 1_000;

/// `GetRoom`: the rooms, most recently active first.
pub(crate) async fn handle(node: &Node, socket: &Socket) -> Result<Rooms, EventError> {
    let rooms = list(node).await.map_err(unavailable)?;
    reply(socket, GET_ROOM, &rooms);
    Ok(Rooms { rooms })
}

pub(crate) async fn list(node: &Node) -> Result<Vec<Room>, Unavailable> {
    let names = node.rooms.list(LISTED).await?;
    Ok(names.into_iter().map(Room::from).collect())
}
