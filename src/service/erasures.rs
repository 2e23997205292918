//! The proof of an erasure: the block, that it is in the ledger, and the log key's word that the secrets are destroyed.

use super::proofs::NoProof;
use super::turns::{CHECKPOINT_WORK, PROOF_WORK};
use super::{ConnectionId, Service};
use crate::chain::Erasure;
use crate::domain::AccountId;
use crate::refusal;
use crate::wire::{ErasureProof, Refusal, Reply};

impl Service {
    /// Answers who asks for the proof that an account was erased.
    pub(super) fn erasure(&mut self, id: ConnectionId, request: u32, account: AccountId) {
        self.work += PROOF_WORK + CHECKPOINT_WORK;
        match self.erasure_proof(account) {
            Ok(Ok(proof)) => self.hold_durable(id, request, Reply::Erasure(proof)),
            Ok(Err(refusal)) => self.hold_durable(id, request, Reply::Refused(refusal)),
            Err(NoProof::Unavailable) => {
                let refusal = self.unavailable();
                self.hold_durable(id, request, Reply::Refused(refusal));
            }
            Err(NoProof::Log(error)) => {
                self.fatal.get_or_insert(error);
            }
        }
    }

    fn erasure_proof(&mut self, account: AccountId) -> Result<Result<ErasureProof, Refusal>, NoProof> {
        self.sign_checkpoint();
        let size = self.note.size();
        let state = self.ledger.replica().state();
        if state.registered_at(account).is_none_or(|index| index >= size) {
            return Ok(Err(Refusal::fail(refusal::INVALID_USER, "there is no account of this number")));
        }
        let not_erased = || Refusal::fail(refusal::NOT_ERASED, format!("account {account} was not erased"));
        let Some(index) = state.erased_at(account).filter(|index| *index < size) else {
            return Ok(Err(not_erased()));
        };
        let Some(vault) = self.secrets.generation() else {
            let sentence = "the server serves without its vault, and cannot say what is destroyed in it";
            return Ok(Err(Refusal::fail(refusal::NO_VAULT, sentence)));
        };
        if self.secrets.owed() > 0 {
            let sentence = "secrets that were erased wait for room on the disk to be destroyed";
            return Ok(Err(Refusal::fail(refusal::UNAVAILABLE, sentence)));
        }
        let Some((block, inclusion)) = self.proven(index, size)? else { return Ok(Err(not_erased())) };
        let origin = self.log_key.public().origin();
        let Some(erasure) = Erasure::of_block(&block, origin, self.ledger.ledger_id(), vault) else {
            return Ok(Err(not_erased()));
        };
        let erasure = self.log_key.sign_note(&erasure.text());
        let (_, note) = self.hand_out_note();
        Ok(Ok(ErasureProof { block, inclusion, note, erasure }))
    }
}
