//! The ledger client.
fn main() {}
