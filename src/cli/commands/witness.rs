//! `ledgerctl witness`: cosigns what it found consistent, once or again and again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Context;
use super::arguments::Witness;
use super::settling::open_member;
use crate::client::{ClientError, witness_key, witness_round};
use crate::crypto::cosignature::WitnessKey;
use crate::terminal::exit::Exit;

pub(super) fn run(context: &Context, command: &Witness) -> Result<Exit, ClientError> {
    let member = open_member(context)?;
    let default = format!("{}.witness", member.account().handle);
    let key = witness_key(member.home(), command.name.as_deref(), &default)?;
    drop(member);
    context.out.note(&format!("witness {}", key.public()));
    let Some(every) = command.every else {
        round(context, command, &key)?;
        return Ok(Exit::Done);
    };
    let interrupted = signals()?;
    loop {
        match round(context, command, &key) {
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

fn round(context: &Context, command: &Witness, key: &WitnessKey) -> Result<(), ClientError> {
    let mut member = open_member(context)?;
    let checkpoint = witness_round(&mut member, key)?;
    let (size, root) = (checkpoint.size, checkpoint.root);
    if command.json || context.out.json {
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
