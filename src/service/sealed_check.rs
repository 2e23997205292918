//! Opening the sealed fields of a command, which a helper does beside the check of the signature: a function of bytes and of a
//! key.

use zeroize::Zeroizing;

use crate::chain::Message;
use crate::crypto::sealed::{ScopeId, ScopeKey, SealError};
use crate::domain::{Command, TextForm};

/// What opens the sealed fields of a command.
pub struct SealedCheck {
    /// The scope of the fields.
    pub(super) scope: ScopeId,
    /// The commitment to the key, of a command that opens the scope.
    pub(super) opens: Option<[u8; 32]>,
    /// The key of the scope; none if it is not here.
    pub(super) key: Option<ScopeKey>,
    /// Why the fields are not accepted, once that was looked at.
    pub(super) unopened: Option<Unopened>,
    /// The e-mail address in the fields, once they are opened and if one of them holds one.
    pub(super) e_mail: Option<Zeroizing<String>>,
}

/// Why sealed fields are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// There is no key to open them with.
    NoKey,
    /// The key beside the command is not the one that the command has committed itself to.
    SideMismatch,
    /// A field does not open with the key.
    Broken(u16),
    /// A field opens, and holds no text of the form that it should have.
    InvalidText(u16, TextForm),
}

impl SealedCheck {
    /// Opens the fields of a command.
    pub(super) fn run(&mut self, message: &[u8]) {
        self.unopened = self.open(message).err();
    }

    fn open(&mut self, message: &[u8]) -> Result<(), Unopened> {
        let key = self.key.clone().ok_or(Unopened::NoKey)?;
        // What does not decode is refused before it comes here.
        let message = Message::parse(message).map_err(|_| Unopened::Broken(0))?;
        let command = Command::decode(message.header.tag, message.body).map_err(|_| Unopened::Broken(0))?;
        let header = &message.header;
        let commitment = key.commitment(header.ledger_id, self.scope);
        if self.opens.is_some_and(|committed| committed != commitment) {
            return Err(Unopened::SideMismatch);
        }
        for field in command.sealed().into_iter().flat_map(|part| part.fields) {
            let leaf = key.leaf(&header.command_id.0, field.number);
            let text = leaf.open(&header.place(self.scope, field.number), field.sealed);
            let text = text.map_err(|error| match error {
                SealError::Broken => Unopened::Broken(field.number),
                SealError::InvalidText | SealError::TooLong => {
                    Unopened::InvalidText(field.number, TextForm::Free)
                }
            })?;
            if !field.form.fits(&text) {
                return Err(Unopened::InvalidText(field.number, field.form));
            }
            if field.form == TextForm::EMail {
                self.e_mail = Some(text);
            }
        }
        Ok(())
    }
}
