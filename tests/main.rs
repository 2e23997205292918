//! The integration tests, in one binary.

mod session_hostile;
mod session_raw;
mod session_tickets;
mod session_world;
