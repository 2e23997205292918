//! `ledgerctl revoke-order`: a cheque is taken back.

use std::path::Path;

use argh::{ArgsInfo, FromArgs};

use super::settle::read_cheque;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, SentCheques, revoke_cheque};
use crate::domain::payments::OrderId;
use crate::terminal::exit::Exit;

/// Take a cheque of yours back, as long as it is not settled.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "revoke-order", example = "ledgerctl revoke-order rent.cheque")]
pub struct RevokeOrder {
    /// the cheque's file, or its id (32 hexadecimal digits)
    #[argh(positional)]
    pub order: String,
}

impl Run for RevokeOrder {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let order_id = match self.order.parse::<OrderId>() {
            Ok(id) => id,
            Err(_) if Path::new(&self.order).exists() || self.order == "-" => {
                read_cheque(&self.order)?.order.order_id
            }
            Err(expected) => {
                let text = format!("{:?}: {expected}, or the name of a file", self.order);
                return Err(ClientError::Usage(text));
            }
        };
        let mut member = open_member(context)?;
        let revoked = revoke_cheque(&mut member, order_id, &mut || note_sent_before(context))?;
        tell(revoked, |accepted| {
            SentCheques::of(&member).forget(order_id)?;
            let fields = [("order_id", order_id.to_string().into())];
            show(context, accepted, &format!("cheque {order_id} is revoked"), &fields)
        })
    }
}
