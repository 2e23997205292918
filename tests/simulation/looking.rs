//! The whole ledger looked at after every start: nothing that was acknowledged is missing, nothing that was refused is
//! there, and every domain's witness counts what the ledger says.

use ledgerd::chain::{Block, Checkpoint, Message};
use ledgerd::domain::Command;
use ledgerd::ledger::{Ledger, Replica};

use super::domains;
use super::template::{hash, log_key, template};
use super::world::World;

impl World {
    /// Everything that anybody was told must be there, once, and nothing that was refused.
    pub(super) fn look_at(&mut self, ledger: &Ledger) -> Result<(), String> {
        let committed = ledger.committed();
        let mut blocks = Vec::new();
        let mut visit = |_: u64, bytes: &[u8]| {
            blocks.push(bytes.to_vec());
            Ok(())
        };
        ledger.reader().for_each(0..committed.size, &mut visit).map_err(|error| error.to_string())?;
        let mut replica = Replica::from_genesis(&blocks[0], |_| {}).map_err(|error| error.to_string())?;
        let mut witnesses = domains::witnesses();
        for bytes in &blocks[1..] {
            replica.follow(bytes, |_| {}).map_err(|error| error.to_string())?;
            let block = Block::parse(bytes).map_err(|error| error.to_string())?;
            let message = Message::parse(block.message).map_err(|error| error.to_string())?;
            let command = Command::decode(message.header.tag, message.body);
            let command = command.map_err(|error| error.to_string())?;
            for witness in &mut witnesses {
                witness.follow(&block, &command, replica.state())?;
            }
        }
        self.peers.look_at(&blocks)?;
        if replica.digest() != ledger.replica().digest() || replica.frontier().root() != committed.root {
            return Err("a fresh replay yields another state".to_owned());
        }
        for client in &self.clients {
            for (number, (index, receipt)) in &client.acknowledged {
                let block = blocks.get(*index as usize);
                if block.map(|bytes| hash(bytes)) != Some(*receipt) {
                    return Err(format!(
                        "command {number} of member {} was acknowledged in block {index}, which is not there",
                        client.member
                    ));
                }
            }
            let (mine, message) =
                (client.member as u64 + 1, |number: u32| template().command(client.member, number).0);
            for number in client.refused.keys() {
                let wanted = message(*number);
                let stands = blocks.iter().any(|bytes| {
                    Block::parse(bytes).is_ok_and(|block| block.author.0 == mine && block.message == wanted)
                });
                if stands {
                    return Err(format!(
                        "command {number} of member {mine} was refused and stands in the ledger"
                    ));
                }
            }
        }
        self.look_at_checkpoints(ledger)
    }

    /// Every checkpoint that a member was shown is extended by the ledger.
    fn look_at_checkpoints(&mut self, ledger: &Ledger) -> Result<(), String> {
        let notes: Vec<String> =
            self.clients.iter_mut().flat_map(|client| std::mem::take(&mut client.notes)).collect();
        let committed = ledger.committed();
        let shown = notes.iter().map(|note| {
            let text = log_key().public().verify_note(note).map_err(|error| error.to_string())?.to_owned();
            Checkpoint::parse(&text).map_err(|error| error.to_string())
        });
        let mut shown = shown.collect::<Result<Vec<_>, String>>()?;
        shown.extend(self.newest.clone());
        for checkpoint in &shown {
            let proof = ledger.consistency(checkpoint.size, committed.size);
            let proof = proof.map_err(|_| {
                format!(
                    "a checkpoint over {} blocks was shown, {} are there",
                    checkpoint.size, committed.size
                )
            })?;
            proof.check(committed.size, committed.root, checkpoint.size, checkpoint.root).map_err(|_| {
                format!("the ledger does not extend the checkpoint over {} blocks", checkpoint.size)
            })?;
        }
        self.newest = shown.into_iter().max_by_key(|checkpoint| checkpoint.size);
        Ok(())
    }
}
