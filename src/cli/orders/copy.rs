//! `ledgerctl copy`: one's own transactions, each checked before it is shown.

use argh::{ArgsInfo, FromArgs};

use super::blocks::ShownBlocks;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, Copying};
use crate::terminal::exit::Exit;

/// Fetch your own transactions, each checked before it is shown.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "copy", example = "ledgerctl copy --from 100 --limit 10 --json")]
pub struct Copy {
    /// smallest block index, 0 if not given
    #[argh(option, default = "0")]
    pub from: u64,

    /// most blocks, all if not given
    #[argh(option, default = "u64::MAX")]
    pub limit: u64,

    /// blocks of others that concern you, too: those that paid you alone, or gave you a role
    #[argh(switch)]
    pub concerning: bool,
}

impl Run for Copy {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let shown_blocks = ShownBlocks::of(context, &mut member, false)?;
        let mut copying = Copying::start(&mut member, self.from, self.limit, self.concerning)?;
        let mut shown = 0;
        while let Some(blocks) = copying.next_page()? {
            if !shown_blocks.show(context, &blocks)? {
                // Whoever reads has seen enough; the rest need not be fetched.
                return Ok(Exit::Done);
            }
            shown += blocks.len();
        }
        let plural = if shown == 1 { "" } else { "s" };
        context.out.note(&format!(
            "{shown} block{plural}, every one checked and none of yours between them left out; of newer ones only receipts can tell"
        ));
        Ok(Exit::Done)
    }
}
