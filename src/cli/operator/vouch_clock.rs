//! `ledgerctl vouch-clock`: an operator vouches for this machine's clock; the server's has to agree with it.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, clock, vouch_clock};
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
        // A block holds milliseconds.
        let time = Timestamp::from_millis(clock::now().wall.millis());
        let submitted = vouch_clock(&mut member, time, &mut || note_sent_before(context))?;
        tell(submitted, |accepted| {
            let until = accepted.timestamp;
            let words = format!("it is {time}; commands are measured by the clock until it is past {until}");
            show(context, accepted, &words, &[("time", time.to_string().into())])
        })
    }
}
