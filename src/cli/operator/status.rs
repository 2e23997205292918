//! `ledgerctl status`: the server's figures.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, fetch_figures};
use crate::terminal::exit::Exit;

/// The server's figures.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "status", example = "ledgerctl status --json")]
pub struct Status {}

impl Run for Status {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let figures = fetch_figures(&mut member)?;
        fields::print(context, fields::of_figures(figures))?;
        Ok(Exit::Done)
    }
}
