//! A ledger that was founded, and what it takes to serve it, once or again.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledgerd::eventlog::{SimDisk, Storage};
use ledgerd::ledger::{CHECKPOINT_FILE, CheckpointFile, Ledger};
use ledgerd::limits::Limits;
use ledgerd::password::{IndexKey, LoginKeys, OpaqueKey};
use ledgerd::service::{Secrets, Service};
use ledgerd::session::{Descriptor, ServerIdentity};
use ledgerd::vault::Kek;
use ledgerd::wire::Request;

use super::{Client, OPTIONS, World, log_key};

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

impl World {
    /// The process is gone, and another one serves what is on this disk. Nobody is connected.
    pub(crate) fn restart(&mut self, disk: &SimDisk) {
        self.service = self.founded.open(disk);
        self.disk = disk.clone();
        (self.jobs, self.outputs) = (Vec::new(), BTreeMap::new());
    }

    /// Asks, and lets the loop turn as often as an answer takes, or until the process ends.
    pub(crate) fn ask_while_it_runs(&mut self, client: &mut Client, request: &Request<'_>) {
        self.send(client, 1, request);
        for _ in 0..4 {
            self.carry(client);
            if self.try_turn().is_err() {
                break;
            }
            self.hear(client);
        }
    }
}
