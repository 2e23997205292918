//! `ledgerctl verify`: the server checks its whole log; the client checks the server's checkpoint.

use super::Context;
use super::arguments::Verify;
use super::offline::show_findings;
use super::outlet;
use super::settling::open_member;
use crate::chain::Checkpoint;
use crate::cli::exit::Exit;
use crate::client::known_servers::{compare_checkpoint, read_checkpoint};
use crate::client::{ClientError, Member, known_servers};
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

/// The signed checkpoint must extend the one that was kept when the connection was opened; then it is kept in
/// its place, unless another call has kept a newer one meanwhile, which has to extend this one.
fn check(member: &mut Member, verdict: &Verification) -> Result<Checkpoint, ClientError> {
    let server = member.server().clone();
    let shown = compare_checkpoint(&server, &verdict.checkpoint)?;
    if shown.size != verdict.blocks {
        return Err(ClientError::Integrity(format!(
            "the server checked {} blocks and signed a checkpoint over {}",
            verdict.blocks, shown.size
        )));
    }
    let now = known_servers::find(member.home(), &server.address)?;
    let kept_now = now.as_ref().and_then(|now| now.checkpoint.as_ref());
    for kept in server.checkpoint.iter().chain(kept_now) {
        prove(member, &read_checkpoint(&server, kept)?, &shown)?;
    }
    known_servers::advance(member.home(), &server.address, &verdict.checkpoint)?;
    Ok(shown)
}

/// Has the server prove that the larger of two checkpoints extends the smaller.
fn prove(member: &mut Member, one: &Checkpoint, other: &Checkpoint) -> Result<(), ClientError> {
    let (old, new) = if one.size <= other.size { (one, other) } else { (other, one) };
    let fork = || {
        ClientError::Integrity(format!(
            "FORK: the checkpoint over {} blocks (root {}) does not extend the one over {} (root {})",
            new.size, new.root, old.size, old.root
        ))
    };
    if old.size == new.size {
        return if old.root == new.root { Ok(()) } else { Err(fork()) };
    }
    if old.size == 0 {
        return Ok(());
    }
    let request = Request::Consistency { old_size: old.size, size: new.size };
    let Reply::Consistency(proof) = member.ask(&request, &mut |_| ())? else {
        return Err(ClientError::unexpected_reply());
    };
    proof.check(new.size, new.root, old.size, old.root).map_err(|_| fork())
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
