//! The integration tests, in one binary.

mod audit;
mod fixtures_logs;
mod forge;
mod recorded;
