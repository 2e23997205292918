//! Opening the sealed fields of a command, which a helper does beside the check of the signature: a function of bytes and of a
//! key.

use zeroize::Zeroizing;

use crate::chain::{Message, SealedFault};
use crate::crypto::sealed::{ScopeId, ScopeKey};
use crate::domain::{Command, TextForm};

/// What opens the sealed fields of a command.
pub struct SealedCheck {
    /// The scope of the fields.
    pub(super) scope: ScopeId,
    /// Whether the command opens the scope.
    pub(super) opens: bool,
    /// The key of the scope; none if it is not here.
    pub(super) key: Option<ScopeKey>,
    /// What the look at the fields has found; before it [`Unopened::NoKey`].
    pub(super) opened: Opened,
}

/// The e-mail address in the fields, if one of them holds one, or why they are not accepted.
pub(super) type Opened = Result<Option<Zeroizing<String>>, Unopened>;

/// Why sealed fields are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// There is no key to open them with.
    NoKey,
    /// The key is there, and something else is wrong.
    Fault(SealedFault),
}

impl SealedCheck {
    /// Opens the fields of a command.
    pub(super) fn run(&mut self, message: &[u8]) {
        self.opened = self.open(message);
    }

    fn open(&self, message: &[u8]) -> Opened {
        let key = self.key.as_ref().ok_or(Unopened::NoKey)?;
        // What does not decode is refused before it comes here.
        let undecodable = Unopened::Fault(SealedFault::Broken(0));
        let message = Message::parse(message).map_err(|_| undecodable)?;
        let command = Command::decode(message.header.tag, message.body).map_err(|_| undecodable)?;
        let Some(part) = command.sealed() else { return Ok(None) };
        let mut e_mail = None;
        for opened in message.header.open_fields(&part, key) {
            let (form, text) = opened.map_err(Unopened::Fault)?;
            if form == TextForm::EMail {
                e_mail = Some(text);
            }
        }
        Ok(e_mail)
    }
}
