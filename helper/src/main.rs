//! helper
fn main() {}
