//! Payments apart: one command and one block for each, so that every payee has a block that can be proven to anybody,
//! and sees nobody else's payment in it.

use super::input::{self, Wanted};
use super::paying::{Payee, wanted_payments};
use crate::client::link::{Member, Reopen as _};
use crate::client::sending::{
    DEADLINE, IdempotencyKey, Outcome, RunBook, RunKind, Runner, refuse_key_of_cheque, submit_one,
};
use crate::client::{ClientError, Signer};
use crate::crypto::sha3;
use crate::domain::Command;
use crate::domain::payments::{self, Currency, Pay, Payment};
use crate::wire::Accepted;

/// Times that one payment of a run is tried.
const ATTEMPTS_MAX: usize = 1_000;

/// Hears how paying apart goes on.
pub trait ApartTold {
    /// An earlier run of the same payments did not end: `left` of `of` are still to be told.
    fn goes_on(&mut self, left: usize, of: usize);

    /// Tells that a payment stands.
    ///
    /// # Errors
    /// [`ClientError`] when it could not be told.
    fn paid(
        &mut self,
        payment: &(Payee, Payment),
        currency: &Currency,
        accepted: &Accepted,
    ) -> Result<(), ClientError>;

    /// A payment was refused, and the `stand` of `of` before it stand: the same payments given again go on behind them.
    fn stopped(&mut self, stand: usize, of: usize);
}

/// Makes these payments one after the other, each with a command of its own, until one is refused. The same payments given
/// again after an unknown outcome or a refusal go on where they stopped, and pay nothing twice.
///
/// # Errors
/// [`ClientError::Refused`] says which payment was refused; otherwise as for [`super::pay`].
pub fn pay_apart(
    member: &mut Member,
    wanted: &[Wanted],
    key: Option<&IdempotencyKey>,
    telling: &mut dyn ApartTold,
) -> Result<(), ClientError> {
    refuse_key_of_cheque(member, key)?;
    let (payments, currency) = wanted_payments(member, wanted)?;
    let commands: Vec<Command> = payments.iter().map(|(_, payment)| command_of(payment)).collect();
    let (home, ledger_id, account) = (member.home().clone(), member.server().ledger_id, member.account_id());
    let signer = Signer { ledger_id, account, key: member.key().clone() };
    let bodies: Vec<Vec<u8>> = commands.iter().map(|command| command.encode().1).collect();
    let content = sha3(&[&b"ledgerctl/apart/1\0"[..], &bodies.concat()]);
    let mut book = RunBook::open(Runner { home: &home, ledger_id, account }, RunKind::Input, content, key)?;
    if book.goes_on() {
        telling.goes_on(commands.len().saturating_sub(book.count_told()), commands.len());
    }
    for ((part, command), payment) in (0_u64..).zip(&commands).zip(&payments) {
        let (tag, body) = command.encode();
        // What was refused before is tried again under the next of its ids.
        let ids = (0..).map(|attempt: u64| book.id(part | attempt << 32, tag, &body));
        let Some(id) = ids.take(ATTEMPTS_MAX).find(|id| !book.is_refused(*id)) else {
            let text = format!("payment {} was refused {ATTEMPTS_MAX} times", part + 1);
            return Err(ClientError::Usage(text));
        };
        if book.is_told(id) {
            continue;
        }
        let signed = signer.sign(id, command);
        book.sending(&signed, true)?;
        match submit_one(member, signed, DEADLINE)? {
            Outcome::Done(accepted) => {
                let told = telling.paid(payment, &currency, &accepted).and_then(|()| book.told(id));
                told.map_err(|error| ClientError::untold(accepted.index, error))?;
            }
            Outcome::Refused(refusal) => {
                book.refused(id)?;
                let stand = book.count_told();
                if stand == 0 {
                    book.finish()?;
                } else {
                    // The run book stays: the same payments given again go on behind what stands.
                    telling.stopped(stand, commands.len());
                }
                // The rules count the payments of a command, people those of the input.
                let refused = ClientError::Refused(refusal.of_later_elements(part));
                return Err(input::refused(wanted, refused));
            }
            Outcome::Unknown => {
                return Err(ClientError::Unknown(
                    "no answer came: whether the payment was made is not known. Run the same command again; nothing is \
                     paid twice"
                        .to_owned(),
                ));
            }
        }
    }
    // All is told: the same payments given again are another run.
    book.finish()
}

fn command_of(payment: &Payment) -> Command {
    Command::Payments(payments::Command::Pay(Pay { payments: vec![payment.clone()] }))
}
