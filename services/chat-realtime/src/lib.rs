#![doc = include_str!("../README.md")]

pub mod origin;
pub mod settings;
pub mod startup;

mod attendance;
mod chat;
mod events;
mod fan_out;
mod member;
mod node;
mod session_sockets;
mod session_watch;
mod subscriptions;
mod user_connections;
