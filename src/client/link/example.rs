//! A pinned server that is as good as any other, for tests of the link.

use super::known_server::KnownServer;
use crate::crypto::note::LogKey;
use crate::crypto::{KeyId, LedgerId};

/// The server of the ledger of this number, known at these addresses.
pub(super) fn example(ledger: u8, addresses: &str) -> KnownServer {
    let log_key = LogKey::from_seed("ledger.example/test", &[ledger; 32]).unwrap();
    KnownServer {
        ledger_id: LedgerId([ledger; 32]),
        log_key: log_key.public().clone(),
        serial: 3,
        encryption_key: KeyId([2; 32]),
        checkpoint: Some("a note\n".to_owned()),
        addresses: addresses.parse().unwrap(),
        compared: true,
    }
}
