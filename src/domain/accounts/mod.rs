//! Members: who they are and with which keys they sign.
//!
//! Rules. Anybody may register, with a command signed by the very key that it contains. A handle is public: 3
//! to 64 ASCII letters, digits and `._-`, unique without regard to case. An account begins with a key of RSA with 3072
//! bits, and has up to eight at a time, of RSA or of Ed25519, each of which can be ended; a key belongs to one account, for
//! ever. Accounts are numbered 1, 2, … in order of registration. A member may say a name and an e-mail address, which stand
//! sealed in the block, under the key of a scope of its own. One key of an account may roam: the server keeps it, wrapped under a
//! password, and the block has the digest of what is kept, with a number that grows. A member may have a second factor, of which
//! a block says that it is there, with a number that grows; an operator may end it. A member, or an operator for it, may
//! have its account erased: keys, roles and scopes end for ever. The account that
//! registers the key named in genesis is an operator; operators give and take roles, and one is always left. Where
//! blocks carry a time that has not come yet, an operator says what time it is, until it has.

mod command;
mod decide;
mod asked;
mod event;
mod handle;
mod happened;
mod key;
mod key_rules;
mod reason;
mod rejection;
mod show;
mod state;
mod query;

pub use crate::domain::custody::{CredentialCommit, Custody};
pub use crate::domain::rights::Rights;
pub use crate::domain::role::Role;
pub use command::{
    ADD_KEY, AddKey, Command, END_KEY, ERASE, EndKey, Erase, GRANT_ROLE, GrantRole, JOIN, Join, REGISTER,
    RESET_SECOND_FACTOR, REVOKE_ROLE, ROTATE_KEY, Register, ResetSecondFactor, RevokeRole, RotateKey,
    SET_CREDENTIAL, SET_PROFILE, SET_SECOND_FACTOR, SetCredential, SetProfile, SetSecondFactor, VOUCH_CLOCK,
    VouchClock,
};
pub use decide::decide;
pub use event::{
    CLOCK_VOUCHED, CREDENTIAL_SET, ClockVouched, CredentialSet, ERASED, Erased, Event, KEY_ADDED, KEY_ENDED,
    KEY_ROTATED, KeyAdded, KeyEnded, KeyRotated, PROFILE_SET, ProfileSet, REGISTERED, ROLE_GRANTED,
    ROLE_REVOKED, Registered, RoleGranted, RoleRevoked, SECOND_FACTOR_RESET, SECOND_FACTOR_SET,
    SecondFactorReset, SecondFactorSet,
};
pub use handle::{HANDLE_BYTES_MAX, HANDLE_BYTES_MIN, Handle, InvalidHandle};
pub use happened::Happened;
pub use key::{FIRST_LABEL, Key, LABEL_BYTES_MAX, is_label, key_proof_bytes};
pub use key_rules::{key_may_sign, may_sign};
pub(in crate::domain) use query::answer;
pub use query::{Answer, KeyFace, Member, NOTED_KEYS, NOTED_MEMBER, NOTED_PROFILE, ProfilePlace, Query};
pub use reason::{CredentialVia, EraseReason, ResetReason};
pub use rejection::Rejection;
pub use state::{Account, CredentialAt, Erasure, SecondFactorAt, State, apply};
