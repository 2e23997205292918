//! The integration tests, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests damage files and wait for processes")]

mod audit;
mod audit_command;
mod audit_files;
mod audit_live;
mod bench;
mod binaries;
mod binaries_proofs;
mod block_words;
mod bookkeeping;
mod daemon;
mod daemon_session;
mod daemon_start;
mod demo;
mod documents;
mod eventlog_crash;
mod eventlog_full;
mod fixtures_logs;
mod forge;
mod hidden_characters;
mod home;
mod lying_server;
mod money;
mod named_files;
mod payments_many;
mod peer_session;
mod peer_vectors;
mod peers;
mod receipts;
mod recorded;
mod replay_ahead;
mod scenarios;
mod second_verifier;
mod session_hostile;
mod session_raw;
mod session_tickets;
mod session_vectors;
mod session_world;
mod simulation;
mod tidy;
mod tiles;
mod vectors_command;
mod vectors_payments;
mod witness;
