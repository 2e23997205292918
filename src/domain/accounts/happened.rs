//! Commands of membership with the events that they led to.

use super::{
    AddKey, ClockVouched, Command, CredentialSet, Custody, EndKey, Erase, Erased, Event, GrantRole, Join,
    KeyAdded, KeyEnded, KeyRotated, ProfileSet, Register, Registered, ResetSecondFactor, RevokeRole, Rights,
    RoleGranted, RoleRevoked, RotateKey, SecondFactorReset, SecondFactorSet, SetCredential, SetProfile,
    SetSecondFactor, VouchClock,
};
use crate::crypto::sealed::ScopeId;
use crate::domain::{
    AccountId, Context, Erasing, KeyChange, Movement, Opened, Place, Scope, ScopeUse, Transfer,
};

/// What a block did to membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Somebody joined.
    Registered(Register, Registered),
    /// Somebody joined and said who it is.
    Joined(Join, Registered),
    /// A member has a role.
    RoleGranted(GrantRole, RoleGranted),
    /// A member has a role no more.
    RoleRevoked(RevokeRole, RoleRevoked),
    /// A member has a further key.
    KeyAdded(AddKey, KeyAdded),
    /// A key has ended.
    KeyEnded(EndKey, KeyEnded),
    /// A key has ended, and another one stands in its place.
    KeyRotated(RotateKey, KeyRotated),
    /// A member has another password.
    CredentialSet(SetCredential, CredentialSet),
    /// A member said who it is.
    ProfileSet(SetProfile, ProfileSet),
    /// A member has a new second factor, or none any more.
    SecondFactorSet(SetSecondFactor, SecondFactorSet),
    /// A member's second factor was ended by an operator.
    SecondFactorReset(ResetSecondFactor, SecondFactorReset),
    /// An account was erased.
    Erased(Erase, Erased),
    /// An operator said what time it is.
    ClockVouched(VouchClock, ClockVouched),
}

impl Happened {
    pub(in crate::domain) fn of(command: Command, event: Event) -> Option<Happened> {
        match (command, event) {
            (Command::Register(command), Event::Registered(event)) => {
                Some(Happened::Registered(command, event))
            }
            (Command::Join(command), Event::Registered(event)) => Some(Happened::Joined(command, event)),
            (Command::GrantRole(command), Event::RoleGranted(event)) => {
                Some(Happened::RoleGranted(command, event))
            }
            (Command::RevokeRole(command), Event::RoleRevoked(event)) => {
                Some(Happened::RoleRevoked(command, event))
            }
            (Command::AddKey(command), Event::KeyAdded(event)) => Some(Happened::KeyAdded(command, event)),
            (Command::EndKey(command), Event::KeyEnded(event)) => Some(Happened::KeyEnded(command, event)),
            (Command::RotateKey(command), Event::KeyRotated(event)) => {
                Some(Happened::KeyRotated(command, event))
            }
            (Command::SetCredential(command), Event::CredentialSet(event)) => {
                Some(Happened::CredentialSet(command, event))
            }
            (Command::SetProfile(command), Event::ProfileSet(event)) => {
                Some(Happened::ProfileSet(command, event))
            }
            (Command::SetSecondFactor(command), Event::SecondFactorSet(event)) => {
                Some(Happened::SecondFactorSet(command, event))
            }
            (Command::ResetSecondFactor(command), Event::SecondFactorReset(event)) => {
                Some(Happened::SecondFactorReset(command, event))
            }
            (Command::Erase(command), Event::Erased(event)) => Some(Happened::Erased(command, event)),
            (Command::VouchClock(command), Event::ClockVouched(event)) => {
                Some(Happened::ClockVouched(command, event))
            }
            (
                Command::Register(_)
                | Command::Join(_)
                | Command::GrantRole(_)
                | Command::RevokeRole(_)
                | Command::AddKey(_)
                | Command::EndKey(_)
                | Command::RotateKey(_)
                | Command::SetCredential(_)
                | Command::SetProfile(_)
                | Command::SetSecondFactor(_)
                | Command::ResetSecondFactor(_)
                | Command::Erase(_)
                | Command::VouchClock(_),
                _,
            ) => None,
        }
    }

    pub(in crate::domain) fn command(&self) -> Command {
        match self {
            Happened::Registered(command, _) => Command::Register(command.clone()),
            Happened::Joined(command, _) => Command::Join(command.clone()),
            Happened::RoleGranted(command, _) => Command::GrantRole(*command),
            Happened::RoleRevoked(command, _) => Command::RevokeRole(*command),
            Happened::KeyAdded(command, _) => Command::AddKey(command.clone()),
            Happened::KeyEnded(command, _) => Command::EndKey(*command),
            Happened::KeyRotated(command, _) => Command::RotateKey(command.clone()),
            Happened::CredentialSet(command, _) => Command::SetCredential(*command),
            Happened::ProfileSet(command, _) => Command::SetProfile(command.clone()),
            Happened::SecondFactorSet(command, _) => Command::SetSecondFactor(*command),
            Happened::SecondFactorReset(command, _) => Command::ResetSecondFactor(*command),
            Happened::Erased(command, _) => Command::Erase(*command),
            Happened::ClockVouched(command, _) => Command::VouchClock(*command),
        }
    }

    pub(in crate::domain) fn opens(&self) -> Option<Opened<'_>> {
        match self {
            Happened::Registered(Register { handle, public_key }, registered)
            | Happened::Joined(Join { handle, public_key, .. }, registered) => {
                Some(Opened { account: registered.account, handle, public_key })
            }
            Happened::RoleGranted(..)
            | Happened::RoleRevoked(..)
            | Happened::KeyAdded(..)
            | Happened::KeyEnded(..)
            | Happened::KeyRotated(..)
            | Happened::CredentialSet(..)
            | Happened::SecondFactorSet(..)
            | Happened::SecondFactorReset(..)
            | Happened::ProfileSet(..)
            | Happened::Erased(..)
            | Happened::ClockVouched(..) => None,
        }
    }

    /// What the block erased.
    pub(in crate::domain) fn erases(&self) -> Option<Erasing<'_>> {
        match self {
            Happened::Erased(erase, erased) => {
                let Erased { scopes, secrets, ref purchases, .. } = *erased;
                Some(Erasing { account: erase.account, scopes, secrets, purchases })
            }
            Happened::Registered(..)
            | Happened::Joined(..)
            | Happened::RoleGranted(..)
            | Happened::RoleRevoked(..)
            | Happened::KeyAdded(..)
            | Happened::KeyEnded(..)
            | Happened::KeyRotated(..)
            | Happened::CredentialSet(..)
            | Happened::SecondFactorSet(..)
            | Happened::SecondFactorReset(..)
            | Happened::ProfileSet(..)
            | Happened::ClockVouched(..) => None,
        }
    }

    /// The keys that come and end. The one that ends comes first.
    pub(in crate::domain) fn visit_keys(&self, author: AccountId, each: &mut dyn FnMut(KeyChange<'_>)) {
        match self {
            Happened::Joined(Join { public_key, custody, .. }, registered) => {
                let (account, rights, custody) = (registered.account, Rights::Full, *custody);
                each(KeyChange::Introduced { account, spki: public_key, rights, custody });
            }
            Happened::Registered(Register { public_key, .. }, registered) => {
                let (account, rights, custody) = (registered.account, Rights::Full, Custody::File);
                each(KeyChange::Introduced { account, spki: public_key, rights, custody });
            }
            Happened::KeyAdded(AddKey { spki, rights, custody, .. }, _) => {
                let (rights, custody) = (*rights, *custody);
                each(KeyChange::Introduced { account: author, spki, rights, custody });
            }
            Happened::KeyEnded(EndKey { key_id }, _) => {
                each(KeyChange::Ended { account: author, key_id: *key_id });
            }
            Happened::KeyRotated(RotateKey { spki, ends, custody, .. }, _) => {
                each(KeyChange::Ended { account: author, key_id: *ends });
                let (rights, custody) = (Rights::Full, *custody);
                each(KeyChange::Introduced { account: author, spki, rights, custody });
            }
            Happened::Erased(erase, _) => each(KeyChange::AllEnded { account: erase.account }),
            Happened::RoleGranted(..)
            | Happened::RoleRevoked(..)
            | Happened::CredentialSet(..)
            | Happened::SecondFactorSet(..)
            | Happened::SecondFactorReset(..)
            | Happened::ProfileSet(..)
            | Happened::ClockVouched(..) => {}
        }
    }

    pub(in crate::domain) fn concerns(&self, each: &mut dyn FnMut(AccountId)) {
        match self {
            // A registration has no author; it is the newcomer's block.
            Happened::Registered(_, registered) | Happened::Joined(_, registered) => each(registered.account),
            Happened::RoleGranted(grant, _) => each(grant.account),
            Happened::RoleRevoked(revoke, _) => each(revoke.account),
            Happened::Erased(erase, _) => each(erase.account),
            Happened::SecondFactorReset(reset, _) => each(reset.account),
            Happened::KeyAdded(..)
            | Happened::KeyEnded(..)
            | Happened::KeyRotated(..)
            | Happened::CredentialSet(..)
            | Happened::SecondFactorSet(..)
            | Happened::ProfileSet(..)
            | Happened::ClockVouched(..) => {}
        }
    }

    /// The scope that the block opened, if it opened one.
    pub(in crate::domain) fn opens_scope(&self, context: &Context<'_>) -> Option<(ScopeId, Scope)> {
        match self {
            Happened::ProfileSet(SetProfile { scope: scope @ ScopeUse::Open(_), .. }, _) => {
                Some((scope.id(context), Scope::of_member(context.author, context.index)))
            }
            Happened::Joined(join, registered) => {
                let scope = ScopeUse::Open(join.scope_key).id(context);
                Some((scope, Scope::of_member(registered.account, context.index)))
            }
            Happened::ProfileSet(..)
            | Happened::CredentialSet(..)
            | Happened::SecondFactorSet(..)
            | Happened::SecondFactorReset(..)
            | Happened::Erased(..)
            | Happened::Registered(..)
            | Happened::RoleGranted(..)
            | Happened::RoleRevoked(..)
            | Happened::KeyAdded(..)
            | Happened::KeyEnded(..)
            | Happened::KeyRotated(..)
            | Happened::ClockVouched(..) => None,
        }
    }

    /// The opening grant of a new account.
    pub(in crate::domain) fn transfers(
        &self,
        opening_grant: u64,
        each: &mut dyn FnMut(Transfer<'_>) -> bool,
    ) {
        match self {
            Happened::Registered(_, registered) | Happened::Joined(_, registered) if opening_grant > 0 => {
                each(Transfer {
                    movement: Movement::Grant,
                    from: Place::Issued,
                    to: Place::Account(registered.account),
                    amount: opening_grant,
                    memo: "",
                });
            }
            Happened::Registered(..)
            | Happened::Joined(..)
            | Happened::RoleGranted(..)
            | Happened::RoleRevoked(..)
            | Happened::KeyAdded(..)
            | Happened::KeyEnded(..)
            | Happened::KeyRotated(..)
            | Happened::CredentialSet(..)
            | Happened::SecondFactorSet(..)
            | Happened::SecondFactorReset(..)
            | Happened::ProfileSet(..)
            | Happened::Erased(..)
            | Happened::ClockVouched(..) => {}
        }
    }
}
