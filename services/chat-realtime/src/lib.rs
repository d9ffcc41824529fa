#![doc = include_str!("../README.md")]

pub mod settings;
pub mod startup;

mod attendance;
mod chat;
mod events;
mod fan_out;
mod member;
mod node;
mod subscriptions;
mod user_connections;
