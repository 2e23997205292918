//! Texts that a member seals into its commands: under the scope that is there, or under one that the command opens.

use crate::chain::{CommandId, Header};
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _, question};
use crate::crypto::random;
use crate::crypto::sealed::{ScopeId, ScopeKey, Sealed};
use crate::domain::{ScopeUse, Tag};
use crate::wire::Side;

/// A scope with its key, as a command uses it.
pub(in crate::client) struct Using {
    pub(in crate::client) scope: ScopeId,
    pub(in crate::client) key: ScopeKey,
    pub(in crate::client) used: ScopeUse,
    /// What goes beside the command: the key, where the command opens the scope.
    pub(in crate::client) side: Side,
}

impl Using {
    /// A scope that was opened before.
    pub(in crate::client) fn known(scope: ScopeId, key: ScopeKey) -> Using {
        Using { scope, key, used: ScopeUse::In(scope), side: Side::default() }
    }

    /// A new scope, which the command opens.
    pub(in crate::client) fn opened(header: &Header) -> Using {
        let scope = header.opened_scope();
        let key = ScopeKey::generate(&mut random::os());
        let used = ScopeUse::Open(key.commitment(header.ledger_id, scope));
        let side = Side { scope_key: Some(*key.as_bytes()), ..Side::default() };
        Using { scope, key, used, side }
    }

    /// Seals a text as a field of a command. `what` names the text in an error.
    ///
    /// # Errors
    /// [`ClientError::Usage`] for a text that cannot be sealed.
    pub(in crate::client) fn seal(
        &self,
        header: &Header,
        field: u16,
        text: &str,
        what: &str,
    ) -> Result<Sealed, ClientError> {
        let leaf = self.key.leaf(&header.command_id.0, field);
        let sealed = leaf.seal(&header.place(self.scope, field), text);
        sealed.map_err(|error| ClientError::Usage(format!("the {what}: {error}")))
    }
}

/// A command of the member's that has no outcome yet.
pub(in crate::client) fn header_of(member: &Member, tag: Tag, command_id: CommandId) -> Header {
    let (ledger_id, account) = (member.server().ledger_id, member.account_id());
    Header { ledger_id, account, key_id: member.key().public().key_id(), command_id, issued_at: 0, tag }
}

/// Fetches the key of a scope.
///
/// # Errors
/// [`ClientError::Refused`] with `no_such_scope` for one that the member may not read.
pub(in crate::client) fn fetch_scope_key(
    member: &mut Member,
    scope: ScopeId,
) -> Result<ScopeKey, ClientError> {
    let keys = member.ask(&question::ScopeKeysOf(vec![scope]))?;
    match keys.0.as_slice() {
        [key] => Ok(ScopeKey::from_bytes(*key)),
        _ => Err(ClientError::other_answer()),
    }
}
