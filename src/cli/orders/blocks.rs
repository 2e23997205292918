//! Blocks as they are shown to somebody who reads them.

use std::io::{self, IsTerminal};

use serde_bytes::ByteBuf;

use crate::cli::block_words::write_block;
use crate::cli::context::Context;
use crate::client::{ClientError, Member, fetch_balance, show};
use crate::domain::payments::Currency;

/// How blocks are shown: words at a terminal, JSON Lines elsewhere.
pub(super) struct ShownBlocks {
    json: bool,
    /// With the stored bytes.
    raw: bool,
    currency: Currency,
}

impl ShownBlocks {
    /// As the context and standard output want them, with amounts in the ledger's currency.
    pub(super) fn of(context: &Context, member: &mut Member, raw: bool) -> Result<ShownBlocks, ClientError> {
        let (_, currency) = fetch_balance(member)?;
        let json = context.out.json || !io::stdout().is_terminal();
        Ok(ShownBlocks { json, raw, currency })
    }

    /// Shows blocks; false when nobody reads any more.
    pub(super) fn show(&self, context: &Context, blocks: &[ByteBuf]) -> Result<bool, ClientError> {
        let mut lines = String::new();
        for bytes in blocks {
            let line = if self.raw {
                show::raw_line(bytes, Some(&self.currency), &mut lines)
            } else if self.json {
                show::json_line(bytes, Some(&self.currency), &mut lines)
            } else {
                write_block(bytes, &self.currency, &mut lines)
            };
            line.map_err(|error| ClientError::Integrity(error.to_string()))?;
        }
        context.out.data(|out| out.write_all(lines.as_bytes()))
    }
}
