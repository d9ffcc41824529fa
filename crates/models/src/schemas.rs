//! The JSON Schemas of what travels over the socket, one per event payload and acknowledgement.

use schemars::{Schema, schema_for};

use crate::{Chat, Room, User, events};

/// One named schema: the file `proto/schemas/<name>.json`, the TypeScript type `<name>`.
pub struct NamedSchema {
    /// The type's name in TypeScript.
    pub name: &'static str,
    /// Its JSON Schema (draft 2020-12).
    pub schema: Schema,
}

/// Every schema, in order of name.
#[must_use]
pub fn all() -> Vec<NamedSchema> {
    macro_rules! named {
        ($($name:literal => $type:ty),* $(,)?) => {
            vec![$(NamedSchema { name: $name, schema: titled($name, schema_for!($type)) }),*]
        };
    }
    named! {
        "AddChat" => events::AddChat,
        "AddChatAck" => events::Accepted<events::Stored>,
        "AddRoom" => events::AddRoom,
        "AddRoomAck" => events::Accepted<events::Entered>,
        "Chat" => Chat,
        "GetChat" => events::GetChat,
        "GetChatAck" => events::Accepted<events::Chats>,
        "GetMeAck" => events::Accepted<events::Me>,
        "GetRoomAck" => events::Accepted<events::Rooms>,
        "GetUser" => events::GetUser,
        "GetUserAck" => events::Accepted<events::Users>,
        "Refused" => events::Refused,
        "Room" => Room,
        "User" => User,
        "UserInRoom" => events::UserInRoom,
    }
}

fn titled(name: &str, mut schema: Schema) -> Schema {
    schema.insert("title".to_owned(), name.into());
    schema
}
