//! How a second factor lies in the vault: its secret in one entry, with the newest step of which a code was used, and the hashes of
//! its spare codes in another one. Both carry the number that the blocks give the factor.

use zeroize::Zeroizing;

use super::name::{Kind, Name};
use super::reader::{Key, Secret};
use crate::domain::AccountId;
use crate::second_factor::{self, SECRET_BYTES, SpareCodes};

/// The secret of a second factor, and how far its codes are used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorEntry {
    /// The secret.
    pub secret: second_factor::Secret,
    /// The newest step of which a code was used: no code of it or of an earlier one is taken any more.
    pub last_step: u64,
}

impl FactorEntry {
    /// What the vault keeps: secret[20] ‖ last step u64 ‖ zeros[4].
    pub fn to_secret(&self) -> Secret {
        let mut payload = Zeroizing::new([0; 32]);
        let parts = self.secret.bytes().iter().copied().chain(self.last_step.to_be_bytes());
        payload.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Secret::Short(payload)
    }

    /// Reads what the vault keeps.
    pub fn of_secret(secret: &Secret) -> Option<FactorEntry> {
        let Secret::Short(payload) = secret else { return None };
        let (secret, rest) = payload.split_first_chunk::<SECRET_BYTES>()?;
        let (last_step, zeros) = rest.split_first_chunk::<8>()?;
        let secret = second_factor::Secret::of_bytes(*secret);
        (zeros == [0; 4]).then_some(FactorEntry { secret, last_step: u64::from_be_bytes(*last_step) })
    }

    /// What the vault keeps of the spare codes.
    pub fn secret_of_spare(spare: &SpareCodes) -> Secret {
        Secret::Long(spare.to_bytes())
    }

    /// Reads the spare codes.
    pub fn spare_of_secret(secret: &Secret) -> Option<SpareCodes> {
        let Secret::Long(content) = secret else { return None };
        SpareCodes::from_bytes(content)
    }
}

/// The entry that holds the secret of a second factor.
pub fn factor_entry(account: AccountId, generation: u32) -> Key {
    (named(Kind::SecondFactor, account, generation), 0)
}

/// The entry that holds its spare codes.
pub fn spare_codes_entry(account: AccountId, generation: u32) -> Key {
    (named(Kind::SpareCodes, account, generation), 0)
}

fn named(kind: Kind, account: AccountId, generation: u32) -> Name {
    let mut scope = [0; 16];
    scope.iter_mut().zip(generation.to_be_bytes()).for_each(|(to, from)| *to = from);
    Name { kind, subject: account.0, scope }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_vault_keeps_is_read_as_it_was_put() {
        let entry = FactorEntry {
            secret: second_factor::Secret::of_bytes(*b"abcdefghijklmnopqrst"),
            last_step: 0x0102_0304_0506_0708,
        };
        let Secret::Short(payload) = entry.to_secret() else { panic!() };
        assert_eq!(*payload, *b"abcdefghijklmnopqrst\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0");
        assert_eq!(FactorEntry::of_secret(&Secret::Short(payload.clone())), Some(entry));
        let mut other = payload;
        other[31] = 1;
        assert_eq!(FactorEntry::of_secret(&Secret::Short(other)), None);
        let (key, codes) = (factor_entry(AccountId(7), 0x0a0b), spare_codes_entry(AccountId(7), 0x0a0b));
        assert_eq!(key.0.scope[..5], [0, 0, 0x0a, 0x0b, 0]);
        assert_eq!((key.0.scope, key.1), (codes.0.scope, codes.1));
        assert_ne!(key, codes);
    }
}
