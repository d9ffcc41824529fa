#!/bin/sh
# usage: cargo-build.sh OUT
#
# Builds all programs in the working directory, which is the workspace, and puts them in OUT.
#
# Cargo compiles what is younger than its last result. Files of a build context are as old as the checkout they come
# from, and the target directory may know the files of another one: so ages are made from contents here.
set -eu

out=$1
known=$CARGO_TARGET_DIR/sources.sha256
now=$(mktemp)
find Cargo.toml Cargo.lock crates services -type f -exec sha256sum {} + | LC_ALL=C sort > "$now"
find Cargo.toml Cargo.lock crates services -exec touch -d 2000-01-01 {} +
if [ -f "$known" ]; then
    LC_ALL=C comm -13 "$known" "$now"
else
    cat "$now"
fi | cut -c67- | tr '\n' '\0' | xargs -0 -r touch
# Of a build that fails, nobody can say what it has compiled.
rm -f "$known"
cargo build --release --locked --workspace --bins
mv "$now" "$known"
mkdir -p "$out"
for program in gateway auth chat-realtime log-worker cleanup-worker packtchat; do
    cp "$CARGO_TARGET_DIR/release/$program" "$out/"
done
