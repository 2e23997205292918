//! The first blocks of ledgers that were looked at: what is fixed there, such as the currency, is known without asking.

use crate::chain::Genesis;
use crate::client::{ClientError, Home};
use crate::crypto::LedgerId;

fn file(ledger_id: LedgerId) -> String {
    format!("servers/{ledger_id}.genesis")
}

/// Keeps a block if it is a first one.
///
/// # Errors
/// [`ClientError::File`].
pub fn keep_first_block(home: &Home, block: &[u8]) -> Result<(), ClientError> {
    match Genesis::from_block(block) {
        Ok((_, ledger_id)) => home.write(&file(ledger_id), const_hex::encode(block).as_bytes()),
        Err(_) => Ok(()),
    }
}

/// The first block of a ledger, if it was kept. Its hash is the ledger's id, so that a damaged file is as good as none.
pub fn first_block(home: &Home, ledger_id: LedgerId) -> Option<Genesis> {
    let text = home.read(&file(ledger_id)).ok()??;
    let (genesis, found) = Genesis::from_block(&const_hex::decode(text.trim()).ok()?).ok()?;
    (found == ledger_id).then_some(genesis)
}
