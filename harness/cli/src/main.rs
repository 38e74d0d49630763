//! The `seraph` command.
fn main() {}
