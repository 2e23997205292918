//! `ledgerctl verify`: the server checks its whole log; the client checks the server's checkpoint.

use super::Context;
use super::arguments::Verify;
use super::offline::show_findings;
use super::outlet;
use super::settling::open_member;
use crate::chain::Checkpoint;
use crate::cli::exit::Exit;
use crate::client::{ClientError, Member};
use crate::wire::{Reply, Request, Verification};

pub(super) fn run(context: &Context, command: &Verify) -> Result<Exit, ClientError> {
    let mut member = open_member(context, &mut outlet::passphrase)?;
    let bar = context.out.bar("checking the log", 1);
    let reply = member.ask(&Request::Verify, &mut |push| {
        if let Reply::Progress(progress) = push {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        }
    });
    bar.finish_and_clear();
    let Reply::Verification(verdict) = reply? else { return Err(ClientError::unexpected_reply()) };
    let json = command.json || context.out.json;
    if verdict.findings_total > 0 {
        show(context, &verdict, None, json)?;
        return Ok(Exit::Integrity);
    }
    let checkpoint = check(&mut member, &verdict)?;
    show(context, &verdict, Some(&checkpoint), json)?;
    Ok(Exit::Done)
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
    json: bool,
) -> Result<(), ClientError> {
    if json {
        let value = serde_json::json!({
            "intact": verdict.findings_total == 0,
            "blocks": verdict.blocks,
            "signatures": verdict.signatures,
            "findings": verdict.findings,
            "findings_total": verdict.findings_total,
            "checkpoint": checkpoint.map(|_| &verdict.checkpoint),
            "root": checkpoint.map(|checkpoint| checkpoint.root.to_string()),
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
    Ok(())
}
