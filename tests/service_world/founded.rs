//! A ledger that was founded, and what it takes to serve it, once or again.

use std::sync::Arc;

use ledgerd::eventlog::{SimDisk, Storage};
use ledgerd::ledger::{CHECKPOINT_FILE, CheckpointFile, Ledger};
use ledgerd::limits::Limits;
use ledgerd::password::{IndexKey, LoginKeys, OpaqueKey};
use ledgerd::service::{Secrets, Service};
use ledgerd::session::{Descriptor, ServerIdentity};
use ledgerd::vault::Kek;

use super::{OPTIONS, log_key};

/// See the module.
pub(super) struct Founded {
    pub(super) genesis: Vec<u8>,
    pub(super) descriptor: Descriptor,
    pub(super) opaque: OpaqueKey,
    pub(super) limits: Limits,
}

impl Founded {
    /// Opens the ledger on a disk and serves it.
    pub(super) fn open(&self, disk: &SimDisk) -> Service {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let (ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
        self.serve(disk, ledger)
    }

    /// Serves an open ledger.
    pub(super) fn serve(&self, disk: &SimDisk, ledger: Ledger) -> Service {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let identity = ServerIdentity::new(&self.genesis, self.descriptor.clone(), None).unwrap();
        let checkpoint_file =
            CheckpointFile::open(Arc::clone(&storage), CHECKPOINT_FILE, log_key().public()).unwrap();
        let logins = LoginKeys { index: IndexKey::from_bytes([6; 32]), opaque: self.opaque };
        let kek = Kek { number: 1, key: [7; 32].into() };
        let secrets = Secrets::open(&storage, &ledger, kek, Some(logins)).unwrap();
        Service::new(ledger, secrets, storage, identity, log_key(), checkpoint_file, self.limits.clone())
    }
}
