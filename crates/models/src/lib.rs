#![doc = include_str!("../README.md")]

pub mod account;
pub mod amqp_names;
pub mod device_cookie;
pub mod events;
pub mod log_record;
pub mod redis_keys;
pub mod schemas;
pub mod session;

mod chat;
mod display_name;
mod limits;
mod message_text;
mod password;
mod room;
mod time;
mod token;
mod user;
mod username;

pub use chat::{Chat, ChatId, InvalidChatId};
pub use display_name::{DisplayName, InvalidDisplayName};
pub use limits::Limits;
pub use message_text::{InvalidMessage, MessageText};
pub use password::{InvalidPassword, Password};
pub use room::{InvalidRoomName, Room, RoomName};
pub use time::now_ms;
pub use token::Token;
pub use user::{User, UserId, UserType};
pub use username::{InvalidUsername, Username};
