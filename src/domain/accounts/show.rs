//! How a change of membership is shown.

use std::fmt;

use super::{CredentialCommit, Happened};
use crate::crypto::{KeyId, KeyKind};
use crate::domain::{AccountId, ScopeUse, Shown, Sink};
use crate::time::Timestamp;

impl Happened {
    pub(in crate::domain) fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(1 + self.erases().map_or(0, |erasing| erasing.purchases.len()))?;
        match self {
            Happened::Registered(register, registered) => {
                to.entry(registered.account, "register")?;
                to.field("handle", " as ", Shown::Text(&register.handle))
            }
            Happened::Joined(join, registered) => {
                to.entry(registered.account, "register")?;
                to.field("handle", " as ", Shown::Text(&join.handle))?;
                to.field("custody", ", custody ", Shown::Name(&join.custody))?;
                show_opened_scope(&join.scope_key, to)?;
                show_credential(join.credential(), to)
            }
            Happened::RoleGranted(grant, _) => {
                to.entry(author, "grant")?;
                to.field("account", " ", Shown::Account(grant.account))?;
                to.field("role", " the role ", Shown::Name(&grant.role))
            }
            Happened::RoleRevoked(revoke, _) => {
                to.entry(author, "revoke")?;
                to.field("account", " from ", Shown::Account(revoke.account))?;
                to.field("role", " the role ", Shown::Name(&revoke.role))
            }
            Happened::KeyAdded(add, _) => {
                to.entry(author, "add_key")?;
                to.field("label", " ", Shown::Text(&add.label))?;
                to.field("key_id", ", which is ", Shown::Name(&KeyId::of_spki(&add.spki)))?;
                to.field("kind", " of ", Shown::Name(&KeyKind::of_spki(&add.spki).name()))?;
                to.field("custody", ", custody ", Shown::Name(&add.custody))?;
                to.field("rights", ", rights ", Shown::Name(&add.rights))?;
                show_credential(add.credential, to)
            }
            Happened::KeyEnded(end, _) => {
                to.entry(author, "end_key")?;
                to.field("key_id", " ", Shown::Name(&end.key_id))
            }
            Happened::KeyRotated(rotate, _) => {
                to.entry(author, "rotate_key")?;
                to.field("label", " to ", Shown::Text(&rotate.label))?;
                to.field("key_id", ", which is ", Shown::Name(&KeyId::of_spki(&rotate.spki)))?;
                to.field("kind", " of ", Shown::Name(&KeyKind::of_spki(&rotate.spki).name()))?;
                to.field("custody", ", custody ", Shown::Name(&rotate.custody))?;
                to.field("ends", "; ended: ", Shown::Name(&rotate.ends))?;
                show_credential(rotate.credential, to)
            }
            Happened::CredentialSet(set, _) => {
                to.entry(author, "set_credential")?;
                to.field("key_id", " of the key ", Shown::Name(&set.key_id))?;
                to.field("via", ", by ", Shown::Name(&set.via))?;
                show_credential(Some(CredentialCommit { epoch: set.epoch, commit: set.commit }), to)
            }
            Happened::ProfileSet(profile, _) => {
                to.entry(author, "set_profile")?;
                match profile.scope {
                    ScopeUse::Open(commitment) => show_opened_scope(&commitment, to)?,
                    ScopeUse::In(scope) => {
                        to.field("scope", ", sealed in the scope ", Shown::Name(&scope))?;
                    }
                }
                show_credential(profile.credential, to)
            }
            Happened::SecondFactorSet(set, _) => {
                to.entry(author, "set_second_factor")?;
                to.field("generation", " number ", Shown::Name(&set.generation))?;
                if set.off { to.field("off", ", which is none: ", Shown::Name(&true)) } else { Ok(()) }
            }
            Happened::SecondFactorReset(reset, _) => {
                to.entry(author, "reset_second_factor")?;
                to.field("account", " of ", Shown::Account(reset.account))?;
                to.field("reason", ", reason ", Shown::Name(&reset.reason))
            }
            Happened::Erased(erase, erased) => {
                to.entry(author, "erase")?;
                to.field("account", " ", Shown::Account(erase.account))?;
                to.field("reason", ", reason ", Shown::Name(&erase.reason))?;
                if erase.force {
                    to.field("force", ", by force: ", Shown::Name(&true))?;
                }
                erased.purchases.iter().try_for_each(|(purchase, refund)| {
                    to.entry(author, "cancel")?;
                    to.field("purchase", " of purchase ", Shown::Count(*purchase))?;
                    to.field("left", ", units left ", Shown::Count(0))?;
                    to.field("refund", ", refund ", Shown::Price(*refund))
                })
            }
            Happened::ClockVouched(vouch, _) => {
                to.entry(author, "vouch_clock")?;
                to.field("time", ": it is ", Shown::Time(Timestamp::from_millis(vouch.time_ms)))
            }
        }
    }
}

fn show_opened_scope(commitment: &[u8; 32], to: &mut dyn Sink) -> fmt::Result {
    let commitment = const_hex::encode(commitment);
    to.field("scope_key", ", opening a scope whose key is committed to as ", Shown::Name(&commitment))
}

/// The trace of a password, where a block has one.
fn show_credential(commit: Option<CredentialCommit>, to: &mut dyn Sink) -> fmt::Result {
    let Some(CredentialCommit { epoch, commit }) = commit else { return Ok(()) };
    to.field("epoch", ", password number ", Shown::Name(&epoch))?;
    to.field("commit", ", committed to as ", Shown::Name(&const_hex::encode(commit)))
}
