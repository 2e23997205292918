//! `ledgerctl copy`: one's own transactions, page by page, each block checked before it is shown.

use std::io::{self, IsTerminal};

use super::Context;
use super::arguments::Copy;
use super::outlet;
use super::settling::open_member;
use crate::chain::block_hash;
use crate::cli::exit::Exit;
use crate::client::{ClientError, Signer, check_own_block, show};
use crate::crypto::Digest;
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
        let limit = left.min(PAGE_BLOCKS);
        let Reply::CopyPage(page) = member.ask(&Request::Copy { from, limit }, &mut |_| ())? else {
            return Err(ClientError::unexpected_reply());
        };
        let count = page.blocks.len() as u64;
        if count > limit {
            return Err(ClientError::Integrity("the server's page holds more than was asked for".to_owned()));
        }
        let mut lines = Vec::new();
        for bytes in &page.blocks {
            checker.check(bytes)?;
            let line =
                if json { show::json_line(bytes, &mut lines) } else { show::text_line(bytes, &mut lines) };
            line.map_err(|error| ClientError::Integrity(error.to_string()))?;
        }
        if !context.out.data(|out| out.write_all(&lines))? {
            // Whoever reads has seen enough; the rest need not be fetched.
            return Ok(Exit::Done);
        }
        shown += count;
        left -= count;
        let Some(next) = page.next else { break };
        if count == 0 || checker.previous.is_none_or(|(previous, _)| next <= previous) {
            return Err(ClientError::Integrity("the server's pages do not go on".to_owned()));
        }
        from = next;
    }
    context.out.note(&format!("{shown} block{}, every one checked", if shown == 1 { "" } else { "s" }));
    Ok(Exit::Done)
}

/// What has to hold from block to block.
struct Checker {
    signer: Signer,
    /// Index and hash of the block before.
    previous: Option<(u64, Digest)>,
    /// The smallest index that was asked for.
    from: u64,
}

impl Checker {
    fn check(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let block = check_own_block(bytes, &self.signer)?;
        let bad = |text: &str| {
            ClientError::Integrity(format!("block {} from the server is refused: {text}", block.index))
        };
        // Each block names its author's block before it: one that was left out shows here.
        let (in_order, nothing_left_out) = match self.previous {
            Some((previous, _)) => (block.index > previous, block.author_previous == Some(previous)),
            None => (block.index >= self.from, block.author_previous.is_none_or(|index| index < self.from)),
        };
        if !in_order {
            return Err(bad("it is out of order"));
        }
        if !nothing_left_out {
            return Err(bad("a block of this account before it was left out"));
        }
        if let Some((previous, hash)) = self.previous
            && block.index == previous + 1
            && block.previous_hash != hash
        {
            return Err(bad("it does not follow the block before it"));
        }
        self.previous = Some((block.index, block_hash(bytes)));
        Ok(())
    }
}
