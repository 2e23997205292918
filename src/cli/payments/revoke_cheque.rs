//! `ledgerctl revoke-cheque`: a cheque is taken back.

use std::path::Path;

use argh::{ArgsInfo, FromArgs};

use super::settle::read_cheque;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, revoke_cheque};
use crate::domain::payments::ChequeId;
use crate::terminal::exit::Exit;

/// Take a cheque of yours back, as long as it is not settled.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "revoke-cheque", example = "ledgerctl revoke-cheque rent.cheque")]
pub struct RevokeCheque {
    /// the cheque's file, or its id (32 hexadecimal digits)
    #[argh(positional)]
    pub cheque: String,
}

impl Run for RevokeCheque {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let cheque_id = match self.cheque.parse::<ChequeId>() {
            Ok(id) => id,
            Err(_) if Path::new(&self.cheque).exists() || self.cheque == "-" => {
                read_cheque(&self.cheque)?.cheque.cheque_id
            }
            Err(expected) => {
                let text = format!("{:?}: {expected}, or the name of a file", self.cheque);
                return Err(ClientError::Usage(text));
            }
        };
        let mut member = open_member(context)?;
        let revoked = revoke_cheque(&mut member, cheque_id, &mut || note_sent_before(context))?;
        tell(revoked, |accepted| {
            let fields = [("cheque_id", cheque_id.to_string().into())];
            show(context, accepted, &format!("cheque {cheque_id} is revoked"), &fields)
        })
    }
}
