//! Commands that earlier runs left open: what became of each.

use super::run_book::{LOOKING, is_left_behind, leftovers};
use super::submitter::{DEADLINE, News, Outcome, Submitter};
use crate::chain::Message;
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _};

/// Commands of an earlier run under way at once while they are resolved.
const RESOLVING_IN_FLIGHT: usize = 16;

/// What is known of an earlier run.
#[derive(Clone, Copy, Debug)]
pub enum Earlier<'a> {
    /// What became of a command.
    Command(&'a Message<'a>, &'a Outcome),
    /// Its run book cannot be used: nothing is known.
    Damaged(&'a ClientError),
}

/// Finds out what became of the commands that earlier runs have left open: every one is sent once more under its own
/// id, and the answer, whichever it is, is its outcome. `say` is told about each. While another process is at it,
/// nothing is done.
///
/// What stands in a block is not forgotten by that: the command that it belongs to, given again, tells it.
///
/// # Errors
/// [`ClientError::Unknown`] when the outcome of one still cannot be found out.
pub fn resolve_earlier_runs(
    member: &mut Member,
    say: &mut dyn FnMut(Earlier<'_>),
) -> Result<(), ClientError> {
    let (home, ledger_id, account) = (member.home().clone(), member.server().ledger_id, member.account_id());
    if !is_left_behind(&home)? {
        return Ok(());
    }
    // What cannot be struck out stays as it is: a command that only reads goes on.
    if home.check_writable().is_err() {
        home.tell("the home cannot be written to: what earlier commands left open is not resolved now");
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
    let left_behind = leftovers(&home, ledger_id, account, &mut |error| say(Earlier::Damaged(&error)))?;
    for mut left in left_behind {
        let commands = left.open().to_vec();
        let mut submitter = Submitter::new(member, DEADLINE);
        let mut waiting = commands.iter().enumerate().peekable();
        let mut unknown = false;
        loop {
            while let Some((number, command)) = waiting.next_if(|_| submitter.len() < RESOLVING_IN_FLIGHT) {
                submitter.submit(number as u64, command.signed.clone());
            }
            match submitter.wait()? {
                News::Outcome(number, outcome) => {
                    let Some(command) = usize::try_from(number).ok().and_then(|n| commands.get(n)) else {
                        continue;
                    };
                    if let Ok(message) = Message::parse(&command.signed.message) {
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
        left.resolved()?;
    }
    Ok(())
}
