//! Blocks in which members say who they are, and in which passwords come.

use ledgerd::chain::Header;
use ledgerd::crypto::SigningKey;
use ledgerd::crypto::sealed::{Leaf, ScopeId, ScopeKey, Sealed};
use ledgerd::domain::accounts::{
    AddKey, Command, CredentialCommit, CredentialVia, Custody, JOIN, Join, RotateKey, SET_PROFILE,
    SetCredential, SetProfile,
};
use ledgerd::domain::{self, AccountId, Rights, ScopeUse};

use super::{Draft, Forge};

/// The name and the e-mail that somebody says, and the key of the scope in which they are sealed.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) texts: [&'a str; 2],
    pub(crate) scope_key: [u8; 32],
}

impl Said<'_> {
    fn key(&self) -> ScopeKey {
        ScopeKey::from_bytes(self.scope_key)
    }

    /// Both texts as the command with this header holds them, and their leaves.
    fn seal(&self, header: &Header, scope: ScopeId) -> ([Sealed; 2], [Leaf; 2]) {
        let leaves = [0, 1].map(|field| self.key().leaf(&header.command_id.0, field));
        let sealed = [0_u16, 1].map(|field| {
            let at = usize::from(field);
            leaves[at].seal(&header.place(scope, field), self.texts[at]).unwrap()
        });
        (sealed, leaves)
    }
}

fn encoded(command: Command) -> Vec<u8> {
    domain::Command::Accounts(command).encode().1
}

impl Forge {
    /// Somebody joins with a profile, and with a password if `commit` is the trace of one: the block, and the leaves of both
    /// texts.
    pub(crate) fn joining(
        &mut self,
        key: &SigningKey,
        handle: &str,
        (custody, commit): (Custody, Option<[u8; 32]>),
        said: &Said<'_>,
    ) -> (Draft, [Leaf; 2]) {
        let header = self.header(key, AccountId::NONE, JOIN);
        let scope = header.opened_scope();
        let ([name, e_mail], leaves) = said.seal(&header, scope);
        let join = Join {
            handle: handle.to_owned(),
            public_key: key.public().spki().to_vec(),
            custody,
            scope_key: said.key().commitment(self.ledger_id, scope),
            name,
            e_mail,
            commit,
        };
        (self.draft_message_by(key, &header, &encoded(Command::Join(join))), leaves)
    }

    /// A member says who it is, in this scope or in one that the block opens: the block, and the leaves of both texts.
    pub(crate) fn profile(
        &mut self,
        (by, account): (&SigningKey, AccountId),
        open: Option<ScopeId>,
        said: &Said<'_>,
        credential: Option<CredentialCommit>,
    ) -> (Draft, [Leaf; 2]) {
        let header = self.header(by, account, SET_PROFILE);
        let scope = open.unwrap_or_else(|| header.opened_scope());
        let ([name, e_mail], leaves) = said.seal(&header, scope);
        let opened = || ScopeUse::Open(said.key().commitment(self.ledger_id, scope));
        let profile = SetProfile { scope: open.map_or_else(opened, ScopeUse::In), name, e_mail, credential };
        (self.draft_message_by(by, &header, &encoded(Command::SetProfile(profile))), leaves)
    }

    /// An account introduces a key that a password fetches, and signs it with the key `by`.
    pub(crate) fn add_roaming_key(
        &mut self,
        (by, account): (&SigningKey, AccountId),
        new: &SigningKey,
        credential: CredentialCommit,
    ) -> Draft {
        let addition = self.addition(account, new, Rights::Full);
        let (custody, label, credential) = (Custody::Roaming, "roaming".to_owned(), Some(credential));
        let add = AddKey { custody, label, credential, ..addition };
        self.draft_by(by, account, &domain::Command::Accounts(Command::AddKey(add)))
    }

    /// An account puts a key that a password fetches in the place of the key `by`, and signs it with that one.
    pub(crate) fn rotate_to_roaming_key(
        &mut self,
        (by, account): (&SigningKey, AccountId),
        new: &SigningKey,
        credential: CredentialCommit,
    ) -> Draft {
        let rotation = self.rotation(account, by.public().key_id(), new);
        let rotate = RotateKey { custody: Custody::Roaming, credential: Some(credential), ..rotation };
        self.draft_by(by, account, &domain::Command::Accounts(Command::RotateKey(rotate)))
    }

    /// An account has a new password, by which its key `by` is fetched.
    pub(crate) fn set_credential(
        &mut self,
        (by, account): (&SigningKey, AccountId),
        credential: CredentialCommit,
        via: CredentialVia,
    ) -> Draft {
        let CredentialCommit { epoch, commit } = credential;
        let set = SetCredential { key_id: by.public().key_id(), epoch, commit, via };
        self.draft_by(by, account, &domain::Command::Accounts(Command::SetCredential(set)))
    }
}
