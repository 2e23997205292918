//! The ledger daemon.
fn main() {}
