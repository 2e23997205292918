//! Signing commands, settling those of earlier runs, and checking one's own blocks.

use super::journal::{LOOKING, is_left_behind, leftovers};
use super::submitter::{DEADLINE, News, Outcome, Submitter};
use super::{ClientError, Home, Reopen, clock};
use crate::chain::{Block, CommandId, Header, Message};
use crate::crypto::rsa::PrivateKey;
use crate::crypto::{LedgerId, random};
use crate::domain::{AccountId, Command};

/// Commands of an earlier run under way at once while they are settled.
const SETTLING_IN_FLIGHT: usize = 16;

/// What is known of an earlier run.
#[derive(Clone, Copy, Debug)]
pub enum Earlier<'a> {
    /// What became of a command.
    Command(&'a Message<'a>, &'a Outcome),
    /// Its journal cannot be used: nothing is known.
    Damaged(&'a ClientError),
}

/// Signs commands of one account on one ledger.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// The account; none for a registration.
    pub account: AccountId,
    /// The account's key.
    pub key: PrivateKey,
}

impl Signer {
    /// The signed bytes of a command, and the signature.
    pub fn sign(&self, id: CommandId, command: &Command) -> (Vec<u8>, Vec<u8>) {
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id: self.ledger_id,
            account: self.account,
            key_id: self.key.public().key_id(),
            command_id: id,
            issued_at: clock::now().wall.millis(),
            tag,
        };
        let message = header.message(&body);
        let signature = self.key.sign_pss(&mut random::os(), &[&message]);
        (message, signature.to_vec())
    }
}

/// Finds out what became of the commands that earlier runs have left open: every one is sent once more under its own
/// id, and the answer, whichever it is, is its outcome. `say` is told about each. While another process is at it,
/// nothing is done.
///
/// What stands in a block is not forgotten by that: the command that it belongs to, given again, tells it.
///
/// # Errors
/// [`ClientError::Unknown`] when the outcome of one still cannot be found out.
pub fn settle(
    home: &Home,
    ledger_id: LedgerId,
    link: &mut dyn Reopen,
    account: AccountId,
    say: &mut dyn FnMut(Earlier<'_>),
) -> Result<(), ClientError> {
    if !is_left_behind(home)? {
        return Ok(());
    }
    let _looking = match home.try_lock_file(LOOKING) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(()),
        // Where nothing can be kept, nothing that must be kept is found out; reading goes on.
        Err(error) => {
            say(Earlier::Damaged(&error));
            return Ok(());
        }
    };
    let left_behind = leftovers(home, ledger_id, account, &mut |error| say(Earlier::Damaged(&error)))?;
    for mut left in left_behind {
        let commands = left.open().to_vec();
        let mut submitter = Submitter::new(link, DEADLINE);
        let mut waiting = commands.iter().enumerate().peekable();
        let mut unknown = false;
        loop {
            while let Some((number, command)) = waiting.next_if(|_| submitter.len() < SETTLING_IN_FLIGHT) {
                submitter.submit(number as u64, command.message.clone(), command.signature.clone());
            }
            match submitter.wait()? {
                News::Outcome(number, outcome) => {
                    let Some(command) = usize::try_from(number).ok().and_then(|n| commands.get(n)) else {
                        continue;
                    };
                    if let Ok(message) = Message::parse(&command.message) {
                        say(Earlier::Command(&message, &outcome));
                    }
                    match outcome {
                        Outcome::Done(_) => left.stands(command.id)?,
                        Outcome::Refused(_) => left.refused(command.id)?,
                        Outcome::Unknown => unknown = true,
                    }
                }
                News::Rung => {}
                News::Idle => break,
            }
        }
        if unknown {
            return Err(ClientError::Unknown(
                "the outcome of an earlier command is still not known; run the command again".to_owned(),
            ));
        }
        left.settled()?;
    }
    Ok(())
}

/// Checks an own block as it came from the server: its hash, its author, and the author's signature.
///
/// # Errors
/// [`ClientError::Integrity`] names what is wrong.
pub fn check_own_block<'a>(bytes: &'a [u8], signer: &Signer) -> Result<Block<'a>, ClientError> {
    let bad = |index: Option<u64>, text: &str| {
        let which = index.map_or_else(|| "a block".to_owned(), |index| format!("block {index}"));
        ClientError::Integrity(format!("{which} from the server is refused: {text}"))
    };
    let block = Block::parse(bytes).map_err(|_| bad(None, "its bytes are not a block"))?;
    let index = Some(block.index);
    if block.author != signer.account {
        return Err(bad(index, "it is of another author"));
    }
    let message = Message::parse(block.message).map_err(|_| bad(index, "it holds no signed command"))?;
    if message.header.ledger_id != signer.ledger_id || message.header.account != signer.account {
        return Err(bad(index, "its command was signed for another ledger or account"));
    }
    let key = signer.key.public();
    key.verify_pss(&[block.message], block.signature)
        .map_err(|_| bad(index, "the signature is not one of this account's key"))?;
    Ok(block)
}
