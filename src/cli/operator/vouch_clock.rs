//! `ledgerctl vouch-clock`: an operator vouches for this machine's clock; the server's has to agree with it.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{show, submit, tell};
use crate::client::{ClientError, clock};
use crate::domain::Command;
use crate::domain::accounts;
use crate::terminal::exit::Exit;
use crate::time::Timestamp;

/// Vouch for this machine's clock, for operators: where blocks carry a time that has not come yet, commands are
/// measured by the clock until it has.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "vouch-clock",
    example = "ledgerd --data /srv/ledger --accept-clock\nledgerctl vouch-clock"
)]
pub struct VouchClock {}

impl Run for VouchClock {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let vouch = accounts::VouchClock { time_ms: clock::now().wall.millis() };
        let time = Timestamp::from_millis(vouch.time_ms);
        let vouched = Command::Accounts(accounts::Command::VouchClock(vouch));
        let submitted = submit(context, &mut member, &vouched)?;
        tell(submitted, |accepted| {
            let until = accepted.timestamp;
            let words = format!("it is {time}; commands are measured by the clock until it is past {until}");
            show(context, accepted, &words, &[("time", time.to_string().into())])
        })
    }
}
