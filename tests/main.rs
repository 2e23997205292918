//! The integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test's helper that fails has failed the test")]

mod audit;
mod forge;
mod session_hostile;
mod session_raw;
mod session_tickets;
mod session_vectors;
mod session_world;
