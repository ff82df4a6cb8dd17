//! Prints the figures of a group.
fn main() {}
