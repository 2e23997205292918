//! `ledgerctl verify`: the server checks its whole log; the client checks the server's checkpoint.

use argh::{ArgsInfo, FromArgs};

use super::findings::show_findings;
use crate::chain::Checkpoint;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, Cosigned, Member, demand_cosigned};
use crate::crypto::cosignature::WitnessPublicKey;
use crate::terminal::exit::Exit;
use crate::time::Timestamp;
use crate::wire::{Reply, Request, Verification};

/// Have the server check its whole log from disk, and keep the signed checkpoint.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "verify", example = "ledgerctl verify")]
pub struct Verify {
    /// demand that the ledger was cosigned by this witness: its verifier key; may be given several times
    #[argh(option)]
    pub witness: Vec<WitnessPublicKey>,
}

impl Run for Verify {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let bar = context.out.bar("checking the log", 1);
        let reply = member.ask(&Request::Verify, &mut |push| {
            if let Reply::Progress(progress) = push {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
        });
        bar.finish_and_clear();
        let Reply::Verification(verdict) = reply? else { return Err(ClientError::unexpected_reply()) };
        if verdict.findings_total > 0 {
            show(context, &verdict, None, None)?;
            return Ok(Exit::Integrity);
        }
        let checkpoint = check(&mut member, &verdict)?;
        let cosigned = match self.witness.as_slice() {
            [] => None,
            witnesses => Some(demand_cosigned(&mut member, witnesses)?),
        };
        show(context, &verdict, Some(&checkpoint), cosigned.as_ref())?;
        Ok(Exit::Done)
    }
}

/// The signed checkpoint must extend the one that is kept; then it is kept in its place.
fn check(member: &mut Member, verdict: &Verification) -> Result<Checkpoint, ClientError> {
    let shown = member.audit(&verdict.checkpoint)?;
    if shown.size != verdict.blocks {
        return Err(ClientError::Integrity(format!(
            "the server checked {} blocks and signed a checkpoint over {}",
            verdict.blocks, shown.size
        )));
    }
    Ok(shown)
}

fn show(
    context: &Context,
    verdict: &Verification,
    checkpoint: Option<&Checkpoint>,
    cosigned: Option<&(Checkpoint, Vec<Cosigned>)>,
) -> Result<(), ClientError> {
    if context.out.json {
        let value = serde_json::json!({
            "intact": verdict.findings_total == 0,
            "blocks": verdict.blocks,
            "signatures": verdict.signatures,
            "findings": verdict.findings,
            "findings_total": verdict.findings_total,
            "checkpoint": checkpoint.map(|_| &verdict.checkpoint),
            "root": checkpoint.map(|checkpoint| checkpoint.root.to_string()),
            "cosigned": cosigned.map(|(checkpoint, witnesses)| serde_json::json!({
                "size": checkpoint.size,
                "root": checkpoint.root.to_string(),
                "witnesses": witnesses.iter().map(|witness| serde_json::json!({
                    "name": witness.name, "timestamp": time(witness).to_string(),
                })).collect::<Vec<_>>(),
            })),
        });
        return context.out.line(&value.to_string());
    }
    show_findings(context, &verdict.findings, verdict.findings_total)?;
    if let Some(checkpoint) = checkpoint {
        let text = format!(
            "intact: {} blocks, {} signatures; root {}; checkpoint verified and kept",
            verdict.blocks, verdict.signatures, checkpoint.root
        );
        context.out.line(&text)?;
    }
    if let Some((checkpoint, witnesses)) = cosigned {
        for witness in witnesses {
            let (name, when, size) = (&witness.name, time(witness), checkpoint.size);
            context.out.line(&format!("cosigned by {name} at {when}: {size} blocks"))?;
        }
    }
    Ok(())
}

/// When the witness cosigned, by its own clock.
fn time(witness: &Cosigned) -> Timestamp {
    Timestamp::from_millis(witness.seconds.saturating_mul(1_000))
}
