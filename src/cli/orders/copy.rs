//! `ledgerctl copy`: one's own transactions, each checked before it is shown.

use std::io::{self, IsTerminal};

use argh::{ArgsInfo, FromArgs};

use crate::cli::block_words::write_block;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, Copying, fetch_balance, show};
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
}

impl Run for Copy {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let json = context.out.json || !io::stdout().is_terminal();
        let (_, currency) = fetch_balance(&mut member)?;
        let mut copying = Copying::start(&mut member, self.from, self.limit)?;
        let mut shown = 0;
        while let Some(blocks) = copying.next_page()? {
            let mut lines = Vec::new();
            for bytes in &blocks {
                let line = if json {
                    show::json_line(bytes, Some(&currency), &mut lines)
                } else {
                    write_block(bytes, &currency, &mut lines)
                };
                line.map_err(|error| ClientError::Integrity(error.to_string()))?;
            }
            if !context.out.data(|out| out.write_all(&lines))? {
                // Whoever reads has seen enough; the rest need not be fetched.
                return Ok(Exit::Done);
            }
            shown += blocks.len();
        }
        let plural = if shown == 1 { "" } else { "s" };
        context.out.note(&format!(
            "{shown} block{plural}, every one checked and none between them left out; of newer ones only receipts can tell"
        ));
        Ok(Exit::Done)
    }
}
