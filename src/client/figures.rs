//! What a server counts and measures of itself.

use super::ClientError;
use super::link::{Member, question};
use crate::wire::Figures;

/// The server's figures, as it names them: a client that is older than the server gets those that came later, too.
///
/// # Errors
/// [`ClientError`] when the server does not answer.
pub fn fetch_figures(member: &mut Member) -> Result<Figures, ClientError> {
    member.ask(&question::Figures)
}
