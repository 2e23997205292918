//! One command from signature to receipt: written down before it leaves, sent until its deadline, and never done
//! twice, because the same command given again after an unknown outcome has the same id.

use super::{ClientError, DEADLINE, Journal, Member, Outcome, Signer, manifest, submit_one};
use crate::crypto::sha3;
use crate::domain::{AccountId, Command};
use crate::wire::Accepted;

/// Signs a command of the member's and sees it through. `again` is called when the outcome of an earlier, equal
/// command was not known and is asked for first.
///
/// # Errors
/// [`ClientError::Refused`], or [`ClientError::Unknown`] when no answer came before the deadline.
pub fn submit_once(
    member: &mut Member,
    command: &Command,
    again: &mut dyn FnMut(),
) -> Result<Accepted, ClientError> {
    let (home, ledger_id, account) =
        (member.home().clone(), member.server().ledger_id, member.account().account);
    let (tag, body) = command.encode();
    let input = sha3(&[&tag.schema.to_be_bytes(), &tag.kind.to_be_bytes(), &body]);
    let (plan, unfinished) = manifest::begin(&home, ledger_id, account, input, 1)?;
    let step = plan.commands.first().ok_or_else(|| ClientError::Config("an empty manifest".to_owned()))?;
    if unfinished {
        again();
    }
    let signer = Signer { ledger_id, account: AccountId(account), key: member.key().clone() };
    let id = step.id()?;
    let (message, signature) = signer.sign(id, command);
    let mut journal = Journal::create(&home)?;
    journal.sending(&message, &signature, true)?;
    let outcome = submit_one(member, message, signature, DEADLINE)?;
    if !matches!(outcome, Outcome::Unknown) {
        journal.settled(id)?;
        manifest::finish(&home, ledger_id, account, input)?;
    }
    journal.finish()?;
    match outcome {
        Outcome::Done(accepted) => Ok(accepted),
        Outcome::Refused(refusal) => Err(ClientError::Refused(refusal)),
        Outcome::Unknown => Err(ClientError::Unknown(
            "no answer came: whether it was done is not known. Run the same command again; nothing is done twice"
                .to_owned(),
        )),
    }
}
