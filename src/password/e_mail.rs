//! How the server names an e-mail without keeping it: by HMAC-SHA3-256 under a key of its own, for e-mails that it knows and
//! for those that it does not.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::{mac, random};

/// An e-mail as it is compared: A to Z in lower case, nothing else is changed.
pub fn normalised_e_mail(e_mail: &str) -> String {
    e_mail.to_ascii_lowercase()
}

/// The key under which e-mails are named: it never changes, because every name depends on it. It wipes itself.
#[derive(Clone)]
pub struct IndexKey(Zeroizing<[u8; 32]>);

impl IndexKey {
    /// Makes the key of a new ledger.
    pub fn generate(rng: &mut dyn CryptoRng) -> IndexKey {
        IndexKey(Zeroizing::new(random::bytes(rng)))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> IndexKey {
        IndexKey(Zeroizing::new(bytes))
    }

    /// Its bytes, for the file in which it is kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What an e-mail is called in the protocol.
    pub fn credential_id(&self, e_mail: &str) -> [u8; 32] {
        self.name(b"ledgerd/credential-id/1\0", e_mail)
    }

    /// What an e-mail is called in the vault.
    pub fn vault_name(&self, e_mail: &str) -> [u8; 16] {
        let whole = self.name(b"ledgerd/e-mail/1\0", e_mail);
        let mut half = [0; 16];
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        half
    }

    fn name(&self, prefix: &[u8], e_mail: &str) -> [u8; 32] {
        mac(&self.0, &[prefix, normalised_e_mail(e_mail).as_bytes()])
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e_mail_has_one_name_in_whatever_case_and_another_for_each_use() {
        let key = IndexKey::from_bytes([1; 32]);
        assert_eq!(key.credential_id("Ash@Pallet.Example"), key.credential_id("ash@pallet.example"));
        assert_ne!(key.credential_id("ash@pallet.example"), key.credential_id("ash@pallet.example "));
        assert_ne!(key.credential_id("a@b")[..16], key.vault_name("a@b"));
        assert_ne!(key.vault_name("a@b"), IndexKey::from_bytes([2; 32]).vault_name("a@b"));
    }
}
