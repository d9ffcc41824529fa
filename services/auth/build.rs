//! Makes cargo notice a new file in `migrations`, which the compiler by itself does not.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
