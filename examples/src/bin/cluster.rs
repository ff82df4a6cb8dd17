//! The reference deployment in one process.
fn main() {}
