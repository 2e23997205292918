//! Books of a whole ledger, from its blocks. That the blocks are sound is not checked here: whoever wants to know
//! asks for an audit. What cannot be counted is refused all the same.

use super::{Book, Format, Moment};
use crate::chain::{Block, Genesis};
use crate::client::ClientError;
use crate::crypto::LedgerId;
use crate::domain::Settings;
use crate::ledger::Transaction;

/// Takes the blocks of a ledger in order, genesis first.
pub struct Replay {
    format: Format,
    begun: Option<Begun>,
}

/// What genesis says, and the books so far.
struct Begun {
    ledger_id: LedgerId,
    settings: Settings,
    book: Book,
}

impl Replay {
    /// Books in this format.
    pub fn new(format: Format) -> Replay {
        Replay { format, begun: None }
    }

    /// Appends what a block did to money to `out`.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] when the block does not decode or its movements do not add up;
    /// [`ClientError::Usage`] when the format cannot name the ledger's currency.
    pub fn block(&mut self, bytes: &[u8], out: &mut String) -> Result<(), ClientError> {
        let Some(begun) = &mut self.begun else {
            self.begun = Some(begin(self.format, bytes, out)?);
            return Ok(());
        };
        let block = Block::parse(bytes).map_err(|error| ClientError::Integrity(error.to_string()))?;
        let bad = |what: String| ClientError::Integrity(format!("block {}: {what}", block.index));
        let transaction =
            Transaction::decode(&block, begun.ledger_id).map_err(|error| bad(error.to_string()))?;
        begun.transaction(&block, transaction, out).map_err(|error| match error {
            ClientError::Integrity(what) => bad(what),
            other => other,
        })
    }

    /// Appends what stands after the last block.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] when there was no block.
    pub fn end(&self, out: &mut String) -> Result<(), ClientError> {
        let nothing = || ClientError::Integrity("there is no genesis block".to_owned());
        self.begun.as_ref().ok_or_else(nothing)?.book.end(out)
    }
}

fn begin(format: Format, bytes: &[u8], out: &mut String) -> Result<Begun, ClientError> {
    let (genesis, ledger_id) =
        Genesis::from_block(bytes).map_err(|error| ClientError::Integrity(error.to_string()))?;
    let settings =
        Settings::read(&genesis.settings).map_err(|error| ClientError::Integrity(error.to_string()))?;
    let book = Book::begin(format, &settings.currency, None, out)?;
    Ok(Begun { ledger_id, settings, book })
}

impl Begun {
    fn transaction(
        &mut self,
        block: &Block<'_>,
        transaction: Transaction<'_>,
        out: &mut String,
    ) -> Result<(), ClientError> {
        let Transaction { happened, context, .. } = transaction;
        let Block { index, timestamp, .. } = *block;
        if let Some(opened) = happened.opens() {
            self.book.member(timestamp, opened.account, opened.handle, out)?;
        }
        let (mut element, mut booked) = (0, Ok(()));
        happened.transfers(&self.settings, &context, &mut |transfer| {
            booked = self.book.transfer(Moment { timestamp, index, element }, &transfer, out);
            element += 1;
            booked.is_ok()
        });
        booked
    }
}
