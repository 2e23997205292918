//! The integration tests, in one binary.

mod audit;
mod forge;
#![expect(clippy::unwrap_used, reason = "a test's helper that fails has failed the test")]

mod session_hostile;
mod session_raw;
mod session_tickets;
mod session_vectors;
mod session_world;
