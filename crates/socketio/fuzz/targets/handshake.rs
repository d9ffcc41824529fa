#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio::fuzzing;
use socketio_fuzz::within;

/// The input and a few copies of it.
const MEMORY: usize = 32 << 10;

fuzz_target!(|input: &[u8]| within(MEMORY, || fuzzing::handshake(input)));
