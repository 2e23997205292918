//! `ledgerctl revoke-order`: a payment order is taken back.

use std::path::Path;

use argh::{ArgsInfo, FromArgs};

use super::settle::read_order;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{show, submit, tell};
use crate::client::{ClientError, Member, SentOrders};
use crate::domain::payments::{self, OrderId};
use crate::domain::{AccountId, Command};
use crate::terminal::exit::Exit;

/// Take a payment order of yours back, as long as it is not settled.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "revoke-order", example = "ledgerctl revoke-order rent.order")]
pub struct RevokeOrder {
    /// the order's file, or its id (32 hexadecimal digits)
    #[argh(positional)]
    pub order: String,
}

impl Run for RevokeOrder {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let order_id = match self.order.parse::<OrderId>() {
            Ok(id) => id,
            Err(_) if Path::new(&self.order).exists() || self.order == "-" => {
                read_order(&self.order)?.order.order_id
            }
            Err(expected) => {
                let text = format!("{:?}: {expected}, or the name of a file", self.order);
                return Err(ClientError::Usage(text));
            }
        };
        let mut member = open_member(context)?;
        let submitted = submit(context, &mut member, &revocation(order_id), None)?;
        tell(submitted, |accepted| {
            sent_orders(&member).forget(order_id)?;
            let fields = [("order_id", order_id.to_string().into())];
            show(context, accepted, &format!("order {order_id} is revoked"), &fields)
        })
    }
}

pub(in crate::cli) fn revocation(order_id: OrderId) -> Command {
    Command::Payments(payments::Command::RevokeOrder(payments::RevokeOrder { order_id }))
}

pub(in crate::cli) fn sent_orders(member: &Member) -> SentOrders {
    let account = AccountId(member.account().account);
    SentOrders::of(member.home(), member.server().ledger_id, account, member.key().public())
}
