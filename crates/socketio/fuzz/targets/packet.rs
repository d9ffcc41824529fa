#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio::fuzzing;
use socketio_fuzz::within;

/// Two sessions and a message of 512 bytes, of which small arguments make many times as much.
const MEMORY: usize = 64 << 10;

fuzz_target!(|input: &[u8]| within(MEMORY, || fuzzing::packet(input)));
