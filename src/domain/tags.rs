//! What the number of a command alone says of it, before its body is decoded.

use super::{Tag, accounts, payments, shop};

impl Tag {
    /// Whether a command of this kind may have sealed fields. The service looks for them before it checks the author's signature, and
    /// only in commands of such a kind. A test compares this answer with [`super::Command::sealed`].
    pub fn is_sealed(self) -> bool {
        use shop::purchases::{CONFIRM_SHIPMENT, SHIP};
        [accounts::SET_PROFILE, accounts::JOIN, CONFIRM_SHIPMENT, SHIP].contains(&self)
    }

    /// Whether a command of this kind may bring a credential. The service looks for one beside the command before it checks
    /// the author's signature, and only beside commands of such a kind. A test compares this answer with
    /// [`super::Command::credential`].
    pub fn may_bring_credential(self) -> bool {
        use accounts::{ADD_KEY, JOIN, ROTATE_KEY, SET_CREDENTIAL, SET_PROFILE};
        [JOIN, ADD_KEY, ROTATE_KEY, SET_CREDENTIAL, SET_PROFILE].contains(&self)
    }

    /// Whether a command of this kind may bring a second factor, so that a code comes beside it. A test compares this answer
    /// with [`super::Command::second_factor`].
    pub fn may_bring_second_factor(self) -> bool {
        self == accounts::SET_SECOND_FACTOR
    }

    /// Whether a command of this kind carries endorsements, which are signatures of others than its author. The service
    /// looks for endorsements before it checks the author's signature, and only in commands of such a kind. A test compares
    /// this answer with [`super::Command::endorsements`].
    pub fn is_endorsed(self) -> bool {
        [payments::SETTLE, accounts::ADD_KEY, accounts::ROTATE_KEY, shop::OPEN_SHOP].contains(&self)
    }
}
