//! What an audit found, in lines.

use crate::cli::context::Context;
use crate::client::ClientError;
use crate::text::escape;
use crate::wire::Finding;

/// A finding in a line.
pub(super) fn sentence(finding: &Finding) -> String {
    let index = finding.index.map_or_else(String::new, |index| format!(", block {index}"));
    let (file, name, reason) = (escape(&finding.file), escape(&finding.name), escape(&finding.reason));
    format!("{file}, offset {}{index}: {name}: {reason}", finding.offset)
}

/// Lists findings, one a line.
pub(super) fn show_findings(context: &Context, findings: &[Finding], total: u64) -> Result<(), ClientError> {
    for finding in findings {
        context.out.line(&sentence(finding))?;
    }
    let listed = findings.len() as u64;
    if total > listed {
        context.out.line(&format!("and {} more findings", total - listed))?;
    }
    Ok(())
}
