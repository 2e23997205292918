//! Opening the sealed fields of a command, given the key of their scope.

use zeroize::Zeroizing;

use super::message::Header;
use crate::crypto::sealed::{ScopeKey, SealError};
use crate::domain::{ScopeUse, SealedPart, TextForm};

/// What is wrong with the sealed fields of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedFault {
    /// The command opens the scope, and has committed itself to another key.
    OtherKey,
    /// The field of this number does not open.
    Broken(u16),
    /// The field of this number opens, and holds no text of the form that it should have.
    InvalidText(u16, TextForm),
}

/// The text of a field, and the form that it has.
type Opened = (TextForm, Zeroizing<String>);

impl Header {
    /// Opens every sealed field of the command: its text, or what is wrong with it.
    pub fn open_fields<'a>(
        &'a self,
        part: &'a SealedPart<'a>,
        key: &'a ScopeKey,
    ) -> impl Iterator<Item = Result<Opened, SealedFault>> + 'a {
        let scope = self.scope(&part.scope);
        let is_other = match part.scope {
            ScopeUse::Open(committed) => committed != key.commitment(self.ledger_id, scope),
            ScopeUse::In(_) => false,
        };
        let fields = part.fields.iter().map(move |field| {
            let leaf = key.leaf(&self.command_id.0, field.number);
            match leaf.open(&self.place(scope, field.number), field.sealed) {
                Ok(text) if field.form.fits(&text) => Ok((field.form, text)),
                Ok(_) => Err(SealedFault::InvalidText(field.number, field.form)),
                Err(SealError::Broken) => Err(SealedFault::Broken(field.number)),
                Err(SealError::InvalidText | SealError::TooLong) => {
                    Err(SealedFault::InvalidText(field.number, TextForm::Free))
                }
            }
        });
        is_other.then_some(Err(SealedFault::OtherKey)).into_iter().chain(fields)
    }
}
