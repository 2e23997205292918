//! `ledgerctl copy`: one's own transactions, page by page, each block checked before it is shown.

use std::io::{self, IsTerminal};

use super::Context;
use super::arguments::Copy;
use super::outlet;
use super::settling::open_member;
use crate::chain::block_hash;
use crate::cli::exit::Exit;
use crate::client::{ClientError, Signer, check_own_block, show};
use crate::domain::AccountId;
use crate::wire::{Reply, Request};

/// Blocks asked for at once; the server cuts a page by its bytes as well.
const PAGE_BLOCKS: u64 = 4_096;

pub(super) fn run(context: &Context, command: &Copy) -> Result<Exit, ClientError> {
    let mut member = open_member(context, &mut outlet::passphrase)?;
    let signer = Signer {
        ledger_id: member.server().ledger_id,
        account: AccountId(member.account().account),
        key: member.key().clone(),
    };
    let json = command.json || context.out.json || !io::stdout().is_terminal();
    let mut checker = Checker { signer, previous: None, from: command.from };
    let (mut from, mut left, mut shown) = (command.from, command.limit, 0u64);
    while left > 0 {
        let request = Request::Copy { from, limit: left.min(PAGE_BLOCKS) };
        let Reply::CopyPage(page) = member.connection().ask(&request, &mut |_| ())? else {
            return Err(ClientError::unexpected_reply());
        };
        let mut lines = Vec::new();
        for bytes in &page.blocks {
            checker.check(bytes)?;
            let line =
                if json { show::json_line(bytes, &mut lines) } else { show::text_line(bytes, &mut lines) };
            line.map_err(|error| ClientError::Integrity(error.to_string()))?;
        }
        context.out.data(|out| out.write_all(&lines))?;
        shown += page.blocks.len() as u64;
        left = left.saturating_sub(page.blocks.len() as u64);
        match page.next {
            Some(next) if next > from || page.blocks.is_empty() && next >= from => {
                if page.blocks.is_empty() {
                    break;
                }
                from = next;
            }
            Some(_) => return Err(ClientError::Integrity("the server's pages do not go on".to_owned())),
            None => break,
        }
    }
    member.close();
    context.out.note(&format!("{shown} blocks, every one checked"));
    Ok(Exit::Done)
}

/// What has to hold from block to block.
struct Checker {
    signer: Signer,
    previous: Option<u64>,
    from: u64,
}

impl Checker {
    fn check(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let block = check_own_block(bytes, &self.signer)?;
        let bad = |text: &str| {
            ClientError::Integrity(format!("block {} from the server is refused: {text}", block.index))
        };
        // The hash that is shown is computed from these very bytes; the chain's next block names it.
        if block_hash(bytes) == block.previous_hash {
            return Err(bad("it names itself as the block before"));
        }
        if block.index < self.from || self.previous.is_some_and(|previous| block.index <= previous) {
            return Err(bad("it is out of order"));
        }
        // Each block names its author's block before: one that was left out shows here.
        if self.previous.is_some() && block.author_previous != self.previous {
            return Err(bad("a block of this account before it was left out"));
        }
        self.previous = Some(block.index);
        Ok(())
    }
}
