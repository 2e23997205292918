//! The integration tests, in one binary.

mod audit;
mod forge;
