//! `ledgerctl copy`: one's own transactions, each checked before it is shown.

use std::io::{self, IsTerminal};

use super::Context;
use super::arguments::Copy;
use super::money::fetch_balance;
use super::settling::open_member;
use crate::cli::block_words::write_block;
use crate::client::{ClientError, Copying, show};
use crate::terminal::exit::Exit;

pub(super) fn run(context: &Context, command: &Copy) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let json = command.json || context.out.json || !io::stdout().is_terminal();
    let (_, currency) = fetch_balance(&mut member)?;
    let mut copying = Copying::start(&mut member, command.from, command.limit)?;
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
