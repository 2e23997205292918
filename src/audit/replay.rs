//! What the blocks of a log add up to, for whoever changes something beside a log that nobody serves. Every intact block is
//! taken in, whether the anchor knows it to be durable or not: so does the next start.

use std::collections::BTreeMap;

use super::findings::Place;
use super::scan::{Bounds, INDEX_MAX, Visitor, scan};
use crate::chain::{BlockDigests, block_hash};
use crate::crypto::Digest;
use crate::eventlog::{LogError, Storage, anchor};
use crate::ledger::Replica;
use crate::vault::Position;
use crate::wire::Finding;

/// A log that was replayed.
#[derive(Debug)]
pub struct Replayed {
    /// What its blocks add up to.
    pub replica: Replica,
    /// How far the anchor knows it to be durable.
    pub durable: Position,
    /// The hash of the last of the blocks that were asked about; none if there are fewer.
    pub head: Option<Digest>,
}

/// Replays a log without changing anything. `asked` is a number of blocks, of which the last one's hash is wanted.
///
/// # Errors
/// [`LogError::Io`] when a file cannot be read; [`LogError::Corrupt`] when a block is damaged or does not follow;
/// [`LogError::Empty`].
pub fn replay(storage: &dyn Storage, asked: u64) -> Result<Replayed, LogError> {
    let anchor = anchor::read(storage).map_err(|error| LogError::io(anchor::PATH, "read", error))?;
    let durable = anchor.map_or(0, |anchor| anchor.durable);
    let wanted = BTreeMap::from([(asked, None), (durable, None)]);
    let mut replaying = Replaying { replica: None, wanted, wrong: None };
    scan(storage, Bounds { up_to: None, reach: INDEX_MAX }, &mut replaying)?;
    if let Some(error) = replaying.wrong {
        return Err(error);
    }
    let replica = replaying.replica.ok_or_else(LogError::empty)?;
    let head_after = |blocks| replaying.wanted.get(&blocks).copied().flatten();
    let head = head_after(durable).ok_or_else(LogError::empty)?;
    Ok(Replayed { replica, durable: Position { durable, head }, head: head_after(asked) })
}

struct Replaying {
    replica: Option<Replica>,
    /// The hashes of last blocks that are wanted, by numbers of blocks.
    wanted: BTreeMap<u64, Option<Digest>>,
    /// What is wrong, if anything is.
    wrong: Option<LogError>,
}

impl Replaying {
    fn follow(&mut self, bytes: &[u8]) -> Result<(), (&'static str, String)> {
        let digests = BlockDigests::of(bytes);
        let followed = match &mut self.replica {
            Some(replica) => replica.follow_hashed(bytes, &digests, |_| {}).map(drop),
            None => Replica::from_genesis(bytes, |_| {}).map(|replica| self.replica = Some(replica)),
        };
        followed.map_err(|error| (error.name(), error.to_string()))?;
        let blocks = self.replica.as_ref().map_or(0, |replica| replica.frontier().size());
        if let Some(hash) = self.wanted.get_mut(&blocks) {
            *hash = Some(digests.hash());
        }
        Ok(())
    }
}

impl Visitor for Replaying {
    fn block(&mut self, place: Place<'_>, bytes: &[u8]) -> Digest {
        if self.wrong.is_none()
            && let Err((name, reason)) = self.follow(bytes)
        {
            let index = place.index.unwrap_or_default();
            self.wrong = Some(LogError::corrupt(place.file, place.offset, index, name, reason));
        }
        block_hash(bytes)
    }

    fn report(&mut self, finding: Finding) {
        if !finding.warning {
            let Finding { file, offset, index, name, reason, .. } = finding;
            let reason = format!("{name}: {reason}");
            let index = index.unwrap_or_default();
            self.wrong.get_or_insert_with(|| LogError::corrupt(&file, offset, index, "damaged", reason));
        }
    }

    fn go_on(&mut self, _: u64, _: u64) -> bool {
        self.wrong.is_none()
    }
}
