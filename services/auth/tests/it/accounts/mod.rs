//! The accounts themselves, one set of tests for both databases.

mod creating;
mod free_usernames;
mod linking;
mod naming;
mod opening;
mod passwords;
mod transfer;
