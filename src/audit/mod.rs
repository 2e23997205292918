//! The check of a whole log from its files alone: by `ledgerctl audit`, of a copy or of a directory that is
//! being served, and by the server's `verify` on a helper thread. Nothing here ever writes.
//!
//! ```text
//! scan       frames, checksums, segments, seals, the anchor     → intact blocks, findings
//! checker    form, link, authors, signatures, rules, the state  → findings, head, root, digest
//! checkpoint what somebody kept of this ledger                  → rollback, fork
//! replay     what the blocks add up to, for whoever changes something beside the log
//! vault      what lies beside the log, if that is asked for     → keys that are missing, and keys that survive
//! export     the same scan, for whoever wants the blocks
//! ```
//!
//! Findings mean that the ledger is not what it claims to be (exit 65). Warnings do not. Their names are stable:
//!
//! | what | names |
//! |---|---|
//! | the anchor | `anchor_missing` `anchor_ahead` `anchor_behind` `anchor_mismatch` `after_clean_close` |
//! | segments | `log_empty` `segment_header` `segment_foreign` `segment_missing` `segment_misplaced` `seal_mismatch` `unreadable` |
//! | frames, see [FrameError](crate::eventlog::FrameError) | `frame_cut` `frame_missing` `frame_magic` `frame_header_checksum` `frame_version` `frame_foreign` `frame_shape` `frame_payload_checksum` `frame_lengths` `frame_sequence` |
//! | the form of a block | `malformed_block` `malformed_message` `undecodable_command` `undecodable_event` `event_mismatch` |
//! | its place | `index_mismatch` `chain_broken` `time_not_increasing` `author_previous_mismatch` `repeated_command` |
//! | genesis | `not_genesis` `unknown_setting` `genesis_key` `genesis_mismatch` |
//! | who said it | `other_ledger` `other_author` `unknown_author` `key_mismatch` `bad_signature` |
//! | who else signed it | `bad_cheque_signature` `bad_consent` `bad_key_proof` |
//! | the rules | `refused_by_rules` `event_differs` |
//! | the one rule that is asked behind a gap too, of whoever signed | `key_ended` `no_permission` |
//! | the state that blocks add up to | `impossible_state` `not_conserved` `stock_not_conserved` |
//! | a kept checkpoint | `rollback` `fork` |
//! | the key from outside | `other_log_key` |
//! | a folder of tiles | `checkpoint_missing` `checkpoint_signature` `bundle_missing` `malformed_bundle` `tile_missing` `tile_differs` |
//! | the vault | `vault_missing` `vault_damaged` `vault_ahead` `vault_mismatch` `vault_key_unusable` |
//! | what lies in it | `key_missing` `credential_missing` `factor_missing` `key_survives` `seal_broken` `slot_damaged` |
//! | warnings | `torn_tail`: never acknowledged; `stored_hashes_differ`: a derived file that the next start must write anew; `stored_hashes_unread`: that file could not be read, and nothing depends on it; `signatures_unchecked`: the keys stood in blocks that are damaged, which is a finding already; `checkpoint_unchecked`, `vault_unchecked`: for the same reason |

mod checker;
mod checkpoint;
mod export;
mod findings;
mod late_keys;
mod links;
mod replay;
mod scan;
mod signatures;
mod stored_hashes;
mod stranded;
mod tiles;
mod vault;
mod vault_entries;
mod walk;

use std::io;
use std::num::NonZeroUsize;

use crate::chain::TreeRoot;
use crate::crypto::note::LogPublicKey;
use crate::crypto::{Digest, LedgerId};
use crate::eventlog::{Access, LogError, Storage};
use crate::ledger::Totals;
use crate::wire::{FINDINGS_MAX, Finding};

pub use checker::{Checker, Outcome};
pub use checkpoint::{Judgement, Kept};
pub use export::{Exported, export, first_sealed, holds_sealed_text};
pub use findings::Place;
pub use replay::{Replayed, replay};
use scan::{Bounds, INDEX_MAX, scan};
use stored_hashes::StoredHashes;
pub use stranded::Stranded;
pub use tiles::{audit_tiles, tiles_checkpoint};
use vault::VaultCheck;
pub use vault::{SealedCounts, VaultReport};
use walk::Walk;

/// What to check.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number of blocks to check; none means all that the anchor knows to be durable. The server names the
    /// blocks that it has acknowledged, so that a log that lost some of them is found.
    pub up_to: Option<u64>,
    /// Threads for signatures, at most. They work beside the caller's, which reads and follows the blocks meanwhile
    /// and waits when it is far ahead; none is started for fewer signatures than are worth it. What is found does not
    /// depend on how many there are.
    pub threads: NonZeroUsize,
    /// A checkpoint that the log must agree with. Without `up_to`, blocks up to its size are read even where
    /// the anchor does not know them to be durable.
    pub checkpoint: Option<Kept>,
    /// The log key that the ledger has to have. Without it, the key is the one that the genesis block names, so that
    /// what is judged says by whose key.
    pub log_key: Option<LogPublicKey>,
    /// Whether the vault beside the log is held against it. Then all intact blocks are read, whether the anchor knows them to be
    /// durable or not, because the vault may know them; and nobody may serve the ledger meanwhile.
    pub vault: bool,
}

impl Default for Request {
    fn default() -> Request {
        Request { up_to: None, threads: NonZeroUsize::MIN, checkpoint: None, log_key: None, vault: false }
    }
}

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Blocks checked.
    pub blocks: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// The ledger, if its genesis block was read.
    pub ledger_id: Option<LedgerId>,
    /// Its log key with its origin, on the same condition.
    pub log_key: Option<LogPublicKey>,
    /// What the checkpoint that was asked for says about it.
    pub checkpoint: Option<Judgement>,
    /// Hash of the last block, if every block follows the one before.
    pub head: Option<Digest>,
    /// Root of the tree over the blocks, on the same condition.
    pub root: Option<TreeRoot>,
    /// [`crate::ledger::Replica::digest`] after the last block, on the same condition.
    pub replica_digest: Option<Digest>,
    /// What a replay of the log counts, if that is possible.
    pub totals: Option<Totals>,
    /// Money of erased accounts, if a replay of the log is possible.
    pub stranded: Option<Stranded>,
    /// What there is to say of the vault, if that was asked for.
    pub vault: Option<VaultReport>,
    /// Everything found wrong, in the order of the log, up to [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// Worth a line, and no damage; with the same cap.
    pub warnings: Vec<Finding>,
    /// Number of findings, listed or not; warnings do not count.
    pub findings_total: u64,
}

impl Report {
    /// Whether nothing was found; there may be warnings.
    pub fn is_clean(&self) -> bool {
        self.findings_total == 0
    }
}

/// Why there is no verdict.
#[derive(Debug)]
pub enum AuditError {
    /// The caller wanted no more.
    Cancelled,
    /// A file cannot be opened, or the anchor not be read. This says nothing about what is in them.
    Storage(LogError),
}

/// Checks a whole log. `progress` hears of bytes checked and bytes to check, some hundred times in all;
/// `cancelled` is asked before every batch.
///
/// # Errors
/// [`AuditError`]; damage is never an error but a finding of the [`Report`].
pub fn audit(
    storage: &dyn Storage,
    request: &Request,
    progress: &mut dyn FnMut(u64, u64),
    cancelled: &dyn Fn() -> bool,
) -> Result<Report, AuditError> {
    let mut checker = Checker::new(request.threads);
    let size = request.checkpoint.as_ref().map(|kept| kept.checkpoint().size);
    if let Some(size) = size {
        checker.want_root(size);
    }
    let reach = if request.vault { INDEX_MAX } else { size.unwrap_or_default() };
    let reach = if request.up_to.is_none() { reach } else { 0 };
    let bounds = Bounds { up_to: request.up_to, reach };
    if request.vault {
        checker.hold_against(VaultCheck::open(storage).map_err(AuditError::Storage)?);
    }
    let (stored_hashes, unread) = open_stored_hashes(storage);
    unread.into_iter().for_each(|warning| checker.report(warning));
    let mut walk = Walk::new(checker, stored_hashes, progress, cancelled);
    let scanned = scan(storage, bounds, &mut walk).map_err(AuditError::Storage)?;
    if scanned.stopped {
        return Err(AuditError::Cancelled);
    }
    let outcome = walk.finish();
    let genesis = outcome.ledger_id.filter(|found| scanned.ledger_id.is_some_and(|named| named != *found));
    let genesis = genesis.map(|found| {
        let place = Place { file: "log", offset: 0, index: Some(0) };
        place.finding(
            "genesis_mismatch",
            format!("the genesis block is that of {found}, the files name another"),
        )
    });
    let judged =
        request.checkpoint.as_ref().map(|kept| kept.judge(&outcome, outcome.wanted_root, scanned.length));
    Ok(Report::of(outcome, request, judged, genesis))
}

impl Report {
    fn of(
        outcome: Outcome,
        request: &Request,
        checkpoint: Option<Judgement>,
        more: impl IntoIterator<Item = Finding>,
    ) -> Report {
        let other_key = other_log_key(&outcome, request);
        let judged = checkpoint.as_ref().and_then(Judgement::finding);
        let mut report = Report {
            blocks: outcome.blocks,
            signatures: outcome.signatures,
            ledger_id: outcome.ledger_id,
            log_key: outcome.log_key,
            checkpoint,
            head: outcome.head,
            root: outcome.root,
            replica_digest: outcome.replica_digest,
            totals: outcome.totals,
            stranded: outcome.stranded,
            vault: outcome.vault,
            findings: outcome.findings,
            warnings: outcome.warnings,
            findings_total: outcome.findings_total,
        };
        more.into_iter().chain(other_key).chain(judged).for_each(|finding| report.add(finding));
        report
    }

    fn add(&mut self, finding: Finding) {
        let list = if finding.warning {
            &mut self.warnings
        } else {
            self.findings_total = self.findings_total.saturating_add(1);
            &mut self.findings
        };
        // What concerns the ledger as a whole is worth more than the last of a thousand blocks.
        list.truncate(FINDINGS_MAX - 1);
        list.push(finding);
    }
}

/// Holds the log key of the genesis block against the one that it has to be.
fn other_log_key(outcome: &Outcome, request: &Request) -> Option<Finding> {
    let (wanted, found) = (request.log_key.as_ref()?, outcome.log_key.as_ref()?);
    let place = Place { file: "log", offset: 0, index: Some(0) };
    let reason = || format!("this is the ledger of {found}, not that of {wanted}, which it has to be");
    (wanted != found).then(|| place.finding("other_log_key", reason()))
}

/// Opens the stored hashes to compare them. They are derived: that they cannot be read is worth a warning.
fn open_stored_hashes(storage: &dyn Storage) -> (StoredHashes, Option<Finding>) {
    match storage.open(stored_hashes::PATH, Access::Read) {
        Ok(file) => (StoredHashes::new(Some(file)), None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (StoredHashes::new(None), None),
        Err(error) => (StoredHashes::new(None), Some(stored_hashes::unread(&error))),
    }
}

impl std::fmt::Display for AuditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AuditError::Cancelled => f.write_str("the audit was cancelled"),
            AuditError::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuditError {}
