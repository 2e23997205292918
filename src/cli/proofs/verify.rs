//! `ledgerctl verify`: the server checks its whole log; the client checks the server's checkpoint.

use argh::{ArgsInfo, FromArgs};

use super::findings::show_findings;
use crate::chain::Checkpoint;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, Cosigned, Verdict, demand_cosigned, have_verified};
use crate::crypto::cosignature::WitnessPublicKey;
use crate::terminal::exit::Exit;
use crate::time::Timestamp;
use crate::wire::Verification;

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
        let verdict = have_verified(&mut member, &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let Verdict { verification, checkpoint } = verdict?;
        let Some(checkpoint) = checkpoint else {
            show(context, &verification, None, None)?;
            return Ok(Exit::Integrity);
        };
        let cosigned = match self.witness.as_slice() {
            [] => None,
            witnesses => Some(demand_cosigned(&mut member, witnesses)?),
        };
        show(context, &verification, Some(&checkpoint), cosigned.as_ref())?;
        Ok(Exit::Done)
    }
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
