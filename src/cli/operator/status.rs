//! `ledgerctl status`: the server's figures.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, question};
use crate::terminal::exit::Exit;
use crate::wire::{Figure, FigureValue, Figures};

/// The server's figures.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "status", example = "ledgerctl status --json")]
pub struct Status {}

impl Run for Status {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let status = member.ask(&question::Figures)?;
        fields::print_named(context, status_fields(status))?;
        Ok(Exit::Done)
    }
}

/// The server's figures as it names them: a client that is older than the server shows those that came later, too.
fn status_fields(figures: Figures) -> Vec<(String, serde_json::Value)> {
    let field = |figure: Figure| {
        let value = match figure.value {
            FigureValue::None => serde_json::Value::Null,
            FigureValue::Number(number) => number.into(),
            FigureValue::Text(text) => text.into(),
        };
        (figure.name, value)
    };
    figures.0.into_iter().map(field).collect()
}
