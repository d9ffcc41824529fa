#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio::fuzzing;
use socketio_fuzz::within;

/// A server with one connection, bodies of 512 bytes and the answers to them.
const MEMORY: usize = 64 << 10;

fuzz_target!(|input: &[u8]| within(MEMORY, || fuzzing::payload(input)));
