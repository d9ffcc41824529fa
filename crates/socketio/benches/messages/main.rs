//! What one message costs: made into a frame, received from a client, sent to a room.
//!
//! `cargo bench -p socketio`, or with a part of a name behind `--` only what is called so. Times
//! are of this machine as busy as it is; compare them only with others of the same hour.
//!
//! Instructions are the same at any hour. Valgrind counts those of the functions `encode` and
//! `queue`; the number of calls, by which to divide, stands in the second line:
//!
//! ```text
//! bench=$(cargo bench -p socketio --no-run --message-format=json |
//!     sed -n 's/.*"name":"messages".*"executable":"\([^"]*\)".*/\1/p')
//! valgrind --tool=callgrind --callgrind-out-file=out --toggle-collect='messages::*::queue*' \
//!     $bench --bench --profile-time 2 'queue for 500'
//! callgrind_annotate --tree=caller --inclusive=yes out | grep '::queue '
//! ```

// clippy.toml allows these in test functions; a benchmark that cannot go on may fail as well.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod encode;
mod fan_out;
mod receive;
mod server;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    encode::bench(&mut criterion);
    receive::bench(&mut criterion);
    fan_out::bench(&mut criterion);
    criterion.final_summary();
}

/// A message as a chat has it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Message<'a> {
    id: &'a str,
    room: &'a str,
    from: &'a str,
    text: &'a str,
    sent: u64,
}

const MESSAGE: Message<'_> = Message {
    id: "1f0b8c1e-7a52-4c1f-9d0e-2d9a5a0e6c11",
    room: "general",
    from: "ada",
    text: "The analytical engine weaves algebraic patterns.",
    sent: 1_700_000_000_000,
};
