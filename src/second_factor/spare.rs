//! The spare codes: ten of 80 random bits, kept on paper, each of which stands in for the telephone once. The server keeps hashes of
//! them: 80 bits are too many to be guessed from a hash.

use zeroize::Zeroizing;

use crate::crypto::sha3;
use crate::typed_code::TypedCode;

/// Bytes of a code.
pub const SPARE_CODE_BYTES: usize = 10;

/// A spare code.
pub type SpareCode = TypedCode<SPARE_CODE_BYTES>;

/// How many codes belong to a second factor.
pub const SPARE_CODES: usize = 10;

/// The hashes of the codes of an account, as the vault keeps them. Zeros stand for one that is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpareCodes([[u8; 32]; SPARE_CODES]);

impl SpareCodes {
    /// The hashes of codes that were just made for this account.
    pub fn of(account: u64, codes: &[SpareCode; SPARE_CODES]) -> SpareCodes {
        SpareCodes(codes.each_ref().map(|code| hash(account, code)))
    }

    /// Reads what the vault keeps, behind which zeros may stand.
    pub fn from_bytes(bytes: &[u8]) -> Option<SpareCodes> {
        let (hashes, behind) = bytes.split_at_checked(SPARE_CODES * 32)?;
        let hashes = <[[u8; 32]; SPARE_CODES]>::try_from(hashes.as_chunks().0).ok()?;
        behind.iter().all(|byte| *byte == 0).then_some(SpareCodes(hashes))
    }

    /// What the vault keeps.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.as_flattened().to_vec())
    }

    /// Spends a code; false if it is none of those that are left.
    pub fn spend(&mut self, account: u64, code: &SpareCode) -> bool {
        let shown = hash(account, code);
        match self.0.iter_mut().find(|hash| **hash == shown) {
            Some(hash) => {
                *hash = [0; 32];
                true
            }
            None => false,
        }
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.iter().filter(|hash| **hash != [0; 32]).count()
    }
}

fn hash(account: u64, code: &SpareCode) -> [u8; 32] {
    sha3(&[b"ledgerd/factor-code/1\0", &account.to_be_bytes(), code.bytes()]).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    #[test]
    fn each_code_is_good_once_and_for_its_account_only() {
        let mut rng = Seeded::new("spare codes");
        let codes: [SpareCode; SPARE_CODES] = std::array::from_fn(|_| SpareCode::generate(&mut rng));
        let mut kept = SpareCodes::of(7, &codes);
        assert!(!kept.spend(8, &codes[3]));
        for (spent, code) in codes.iter().enumerate() {
            assert_eq!(kept.left(), SPARE_CODES - spent);
            assert!(kept.spend(7, code));
            assert!(!kept.spend(7, code));
            let page = [&kept.to_bytes()[..], &[0; 40]].concat();
            kept = SpareCodes::from_bytes(&page).unwrap();
        }
        assert_eq!(kept.left(), 0);
        assert!(!kept.spend(7, &SpareCode::generate(&mut rng)));
        assert_eq!(SpareCodes::from_bytes(&[0; 319]), None);
        assert_eq!(SpareCodes::from_bytes(&[1; 352]), None);
    }
}
