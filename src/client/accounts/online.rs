//! Members who are online.

use crate::client::ClientError;
use crate::client::link::{Member, question};
use crate::domain::AccountId;
use crate::wire::OnlineMember;

/// Members asked for at once.
const PAGE_MEMBERS: u64 = 512;

/// Everybody who is online and not hidden, by account.
///
/// # Errors
/// [`ClientError::Integrity`] when the server's pages do not go on.
pub fn fetch_online(member: &mut Member) -> Result<Vec<OnlineMember>, ClientError> {
    let mut members: Vec<OnlineMember> = Vec::new();
    let mut next = Some(AccountId::default());
    while let Some(from) = next {
        let page = member.ask(&question::Online { from, limit: PAGE_MEMBERS })?;
        if page.next.is_some_and(|next| next <= from) {
            return Err(ClientError::Integrity("the server's pages do not go on".to_owned()));
        }
        members.extend(page.members);
        next = page.next;
    }
    Ok(members)
}
