//! `ledgerctl witness`: cosigns what it found consistent, once or again and again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, witness_key, witness_round};
use crate::crypto::cosignature::WitnessKey;
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;

/// Be a witness: cosign checkpoints that are consistent with everything seen before, and hand them in.
///
/// The first call makes the witness's key; its verifier key is what others demand with verify --witness.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "witness", example = "ledgerctl witness --every 60")]
pub struct Witness {
    /// name of a new witness, such as witness.example/alice; made of the handle if not given
    #[argh(option)]
    pub name: Option<String>,

    /// go on, once every so many seconds, until it is interrupted
    #[argh(option, from_str_fn(every))]
    pub every: Option<u64>,
}

fn every(text: &str) -> Result<u64, String> {
    number_in(text, 1, 86_400)
}

impl Run for Witness {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let member = open_member(context)?;
        let default = format!("{}.witness", member.account().handle);
        let key = witness_key(member.home(), self.name.as_deref(), &default)?;
        drop(member);
        context.out.note(&format!("witness {}", key.public()));
        let Some(every) = self.every else {
            round(context, &key)?;
            return Ok(Exit::Done);
        };
        let interrupted = signals()?;
        loop {
            match round(context, &key) {
                // It may be there again next time.
                Err(error) if error.is_away() || matches!(error, ClientError::Refused(_)) => {
                    context.out.complain(&error);
                }
                other => other?,
            }
            match interrupted.recv_timeout(Duration::from_secs(every)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Done),
            }
        }
    }
}

fn round(context: &Context, key: &WitnessKey) -> Result<(), ClientError> {
    let mut member = open_member(context)?;
    let checkpoint = witness_round(&mut member, key)?;
    let (size, root) = (checkpoint.size, checkpoint.root);
    if context.out.json {
        let value = serde_json::json!({
            "vkey": key.public().to_string(), "size": size, "root": root.to_string(),
        });
        return context.out.line(&value.to_string());
    }
    context.out.line(&format!("cosigned {size} {root}"))
}

/// Hears of the first signal that asks to end.
fn signals() -> Result<Receiver<()>, ClientError> {
    let failed = |error: std::io::Error| ClientError::Unexpected(format!("signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            // Nobody listens any more when the loop has ended by itself.
            sender.send(()).unwrap_or_default();
        }
    });
    Ok(receiver)
}
