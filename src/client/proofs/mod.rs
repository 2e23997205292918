//! What a member can prove, or has proven by the server: receipts, one's own blocks, and the word of a witness.

mod first_blocks;
mod ends;
mod receipts;
mod taken_ids;
mod included;
mod own_blocks;
mod copying;
mod verdict;
mod witness;

pub use copying::Copying;
pub(super) use ends::fetch_end;
pub use first_blocks::{first_block, keep_first_block};
pub(super) use included::prove_included;
pub use own_blocks::OwnBlocks;
pub(super) use receipts::command_of;
pub use receipts::{Registrant, fetch_key, fetch_owner_of_key, fetch_receipt, fetch_registrant};
pub(super) use taken_ids::refuse_id_of_cheque;
pub use taken_ids::{conflict, refuse_id_of_command};
pub use verdict::{Verdict, have_verified};
pub use witness::{Cosigned, demand_cosigned, witness_key, witness_round};
