use std::sync::Arc;

use messaging::{Connection, Unavailable};
use models::{
    Room, RoomName,
    events::{ADD_ROOM, AddRoom, Entered, EventError, NAMESPACE},
};
use socketio::Socket;

use super::{parse, parse_room, unavailable};
use crate::{member::Member, node::Node};

/// `AddRoom`: the socket leaves the room it is in and enters this one, which is made where it is new.
pub(crate) async fn handle(
    node: &Node,
    socket: &Socket,
    member: &Member,
    payload: &str,
) -> Result<Entered, EventError> {
    let AddRoom { name } = parse(payload)?;
    let room = parse_room(&name, &node.limits)?;
    if !member.is_in(&room) {
        leave(node, socket, member).await;
        enter(node, socket, member, &room)
            .await
            .map_err(unavailable)?;
    }
    Ok(Entered { room: room.into() })
}

/// Listens first, so that nothing is missed between entering and the first message.
async fn enter(
    node: &Node,
    socket: &Socket,
    member: &Member,
    room: &RoomName,
) -> Result<(), Unavailable> {
    node.subscriptions.enter(room, node.worker).await?;
    let place = Arc::new(Connection {
        user: member.user.clone(),
        socket: socket.id().to_owned(),
        room: room.clone(),
    });
    // From here on, leaving undoes all of it.
    member.place.replace(Some(place.clone()));
    socket.join(room.as_str());
    let entered = async {
        announce_if_new(node, socket, room).await?;
        node.attendance.enter(place).await
    }
    .await;
    if entered.is_err() {
        leave(node, socket, member).await;
    }
    entered
}

async fn announce_if_new(node: &Node, socket: &Socket, room: &RoomName) -> Result<(), Unavailable> {
    if node.rooms.add(room).await? {
        let room = Room::from(room.clone());
        // Plain data of ours always serializes.
        let json = serde_json::to_string(&room).unwrap_or_default();
        let packet = format!("2{NAMESPACE},[\"{ADD_ROOM}\",{json}]");
        node.rooms
            .tell_everybody(&packet, Some(socket.id()))
            .await?;
    }
    Ok(())
}

/// The socket leaves the room it is in, if any.
pub(crate) async fn leave(node: &Node, socket: &Socket, member: &Member) {
    let Some(place) = member.place.take() else {
        return;
    };
    socket.leave(place.room.as_str());
    node.attendance.leave(&place).await;
    node.subscriptions.leave(&place.room, node.worker);
}
