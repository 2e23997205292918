//! `ledgerctl tail`: blocks as they come, each proven before it is shown.

use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::blocks::ShownBlocks;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, Heard, Reopen, Subscription};
use crate::terminal::exit::Exit;
use crate::wire::Followed;

/// How long a lost server is tried at a time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Show your own blocks and those that concern you, each proven before it is shown.
///
/// With --follow it goes on with each block as soon as it is durable, until it is interrupted; a connection that was lost
/// is opened again, and nothing is missing or shown twice.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "tail",
    example = "ledgerctl tail --follow\nledgerctl tail --from 100 --all --json"
)]
pub struct Tail {
    /// smallest block index; if not given 0 or, with --follow, that of the next block to come
    #[argh(option)]
    pub from: Option<u64>,

    /// go on with what comes
    #[argh(switch)]
    pub follow: bool,

    /// all blocks that your roles may read: an operator's or an auditor's, every block; an agent's, those of the shop
    #[argh(switch)]
    pub all: bool,

    /// with the stored bytes of each block in hexadecimal, as export --raw shows them
    #[argh(switch)]
    pub raw: bool,
}

impl Run for Tail {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let shown = ShownBlocks::of(context, &mut member, self.raw)?;
        // What came until now; whoever does not follow is shown that and no more.
        let size = member.newest_checkpoint()?.size;
        let from = self.from.unwrap_or(if self.follow { size } else { 0 });
        let of = if self.all { Followed::Readable } else { Followed::Concerning };
        let mut subscription = Subscription::begin(&mut member, from, of)?;
        while self.follow || subscription.next_index() < size {
            match subscription.hear(None) {
                Ok(Some(Heard::Blocks(blocks))) => {
                    if !shown.show(context, &blocks)? {
                        // Whoever reads has seen enough.
                        return Ok(Exit::Done);
                    }
                }
                Ok(Some(Heard::Notice(notice))) => context.out.note(&notice.to_string()),
                Ok(None) => {}
                Err(error) if self.follow && error.is_away() => {
                    context.out.note(&format!("{error}; trying again"));
                    reopen(context, &mut subscription)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Exit::Done)
    }
}

/// Tries until the server is there again.
fn reopen(context: &Context, subscription: &mut Subscription<'_>) -> Result<(), ClientError> {
    let mut pause = Duration::from_millis(100);
    loop {
        match subscription.resume(PATIENCE) {
            Err(error) if error.is_away() => {
                // Nobody tells when a server is there again.
                std::thread::sleep(pause);
                pause = (pause * 2).min(PATIENCE);
            }
            Err(error) => return Err(error),
            Ok(()) => {
                context.out.note("the server is there again");
                return Ok(());
            }
        }
    }
}
