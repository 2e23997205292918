//! Opening a member's session: what an earlier run left open is resolved first. A shell keeps its session from
//! command to command.

use std::ops::{Deref, DerefMut};

use super::context::Context;
use crate::chain::Message;
use crate::client::{ClientError, Earlier, Member, Outcome, Reopen, resolve_earlier_runs};
use crate::domain::Rights;
use crate::text::escape;

/// A member's session, lent to one command.
pub(super) struct Session<'a> {
    /// None only once it was taken out.
    member: Option<Member>,
    context: &'a Context,
}

impl Session<'_> {
    /// Takes the session for good.
    pub(super) fn detach(mut self) -> Result<Member, ClientError> {
        self.member.take().ok_or_else(gone)
    }
}

fn gone() -> ClientError {
    ClientError::Unexpected("the session was given away".to_owned())
}

impl Deref for Session<'_> {
    type Target = Member;

    #[expect(clippy::expect_used, reason = "only `detach` takes it out, and nothing is left to look at then")]
    fn deref(&self) -> &Member {
        self.member.as_ref().expect("a session that was not detached")
    }
}

impl DerefMut for Session<'_> {
    #[expect(clippy::expect_used, reason = "as above")]
    fn deref_mut(&mut self) -> &mut Member {
        self.member.as_mut().expect("a session that was not detached")
    }
}

impl Drop for Session<'_> {
    /// Back to the shell, if there is one; else the session ends in good order.
    fn drop(&mut self) {
        if let Some(kept) = &self.context.session {
            *kept.borrow_mut() = self.member.take();
        }
    }
}

/// Opens the session, and says what became of earlier commands.
pub(super) fn open_member<'a>(context: &'a Context) -> Result<Session<'a>, ClientError> {
    open_member_for(context, Rights::Act)
}

/// The same with a key that signs what needs these rights.
pub(super) fn open_member_for<'a>(context: &'a Context, needed: Rights) -> Result<Session<'a>, ClientError> {
    let home = context.home()?;
    let mut kept = context.session.as_ref().and_then(|kept| kept.borrow_mut().take());
    let alive = kept.as_mut().is_some_and(|member| member.connection().is_alive());
    // A shell's session may have been opened with a key that only acts.
    let fits = |member: &Member| needed == Rights::Act || !member.is_of_device();
    let mut member = match kept.filter(|member| alive && fits(member)) {
        Some(member) => member,
        None => Member::open_for(&home, &context.server()?, needed, &mut context.passphrase())?,
    };
    say_earlier(context, &mut member)?;
    // One of those commands may have ended the key that this session was opened with, and the session with it.
    if !member.connection().is_alive() {
        drop(member);
        member = Member::open_for(&home, &context.server()?, needed, &mut context.passphrase())?;
    }
    Ok(Session { member: Some(member), context })
}

/// Says what became of earlier commands of a member.
pub(super) fn say_earlier(context: &Context, member: &mut Member) -> Result<(), ClientError> {
    let mut say = |earlier: Earlier<'_>| match earlier {
        Earlier::Command(message, outcome) => context.out.note(&in_words(message, outcome)),
        Earlier::Damaged(error) => context.out.complain(error),
    };
    resolve_earlier_runs(member, &mut say)
}

/// What became of a command of an earlier run.
fn in_words(message: &Message<'_>, outcome: &Outcome) -> String {
    let id = message.header.command_id;
    match outcome {
        Outcome::Done(accepted) => {
            format!("command {id} of an earlier run stands in block {}", accepted.index)
        }
        Outcome::Refused(refusal) => {
            format!("command {id} of an earlier run was refused: {}", escape(&refusal.name))
        }
        Outcome::Unknown => format!("command {id} of an earlier run is still unknown"),
    }
}
