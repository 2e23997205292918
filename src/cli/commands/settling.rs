//! Opening a member's session: what an earlier run left unsettled is settled first.

use super::Context;
use crate::chain::Message;
use crate::cli::text::escape;
use crate::client::{ClientError, Member, Outcome, PassphraseSource, settle};
use crate::domain::AccountId;

/// Opens the session, and says what became of earlier commands.
pub(super) fn open_member(context: &Context, ask: &mut PassphraseSource<'_>) -> Result<Member, ClientError> {
    let home = context.home()?;
    let mut member = Member::open(&home, &context.server, ask)?;
    let (ledger_id, account) = (member.server().ledger_id, AccountId(member.account().account));
    let mut say = |message: &Message<'_>, outcome: &Outcome| {
        let id = message.header.command_id;
        let text = match outcome {
            Outcome::Done(accepted) => {
                format!("command {id} of an earlier run stands in block {}", accepted.index)
            }
            Outcome::Refused(refusal) => {
                format!("command {id} of an earlier run was refused: {}", escape(&refusal.name))
            }
            Outcome::Unknown => format!("command {id} of an earlier run is still unknown"),
        };
        context.out.note(&text);
    };
    settle(&home, ledger_id, &mut member, account, &mut say)?;
    Ok(member)
}
