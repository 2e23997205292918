//! A slot: one entry of the vault in 128 bytes, so that a disk overwrites it as a whole. Writing zeros over it destroys what
//! it holds, and with it whatever lies under the key that it holds.
//!
//! ```text
//!   0  1  kind           8  8  subject      52 48  AES-256-SIV of the payload
//!   1  1  version = 1   16 16  scope       100  4  number of the first page
//!   2  2  generation    32  4  kek         104  4  number of pages
//!   4  4  CRC-32C       36 16  nonce       108 20  zeros
//! ```
//! The checksum is over all 128 bytes with its own field zero. A free slot is 128 zero bytes.

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::name::{Kek, Kind, Name};
use crate::crypto::{LedgerId, expand, random};
use crate::cutter::Cutter;

/// Bytes of a slot.
pub const SLOT_BYTES: usize = 128;

const VERSION: u8 = 1;
const CHECKSUM: std::ops::Range<usize> = 4..8;
const ZEROS: usize = 20;

/// Which pages hold the content of an entry: so many from this one on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRange {
    /// Number of the first.
    pub first: u32,
    /// How many; 0 for an entry without content.
    pub count: u32,
}

/// A slot that holds an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The entry's name.
    pub name: Name,
    /// The low 16 bits of a credential's epoch; 0 for everything else.
    pub generation: u16,
    /// Number of the KEK that it is under.
    pub kek: u32,
    /// Where its content is.
    pub pages: PageRange,
    nonce: [u8; 16],
    payload: [u8; 48],
}

/// A slot is neither free nor one that was written: its bytes have changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotDamaged;

impl fmt::Display for SlotDamaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the slot's bytes are not what was written")
    }
}

impl std::error::Error for SlotDamaged {}

/// The payload does not open: it was sealed under another KEK, or for another ledger, or is another entry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSealed;

impl fmt::Display for SlotSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the slot does not open with this key")
    }
}

impl std::error::Error for SlotSealed {}

impl Slot {
    /// Seals an entry's 32 secret bytes under a KEK.
    #[expect(clippy::expect_used, reason = "AES-SIV seals 32 bytes with two strings beside them")]
    pub fn seal(
        ledger_id: LedgerId,
        (name, generation): (Name, u16),
        kek: &Kek,
        pages: PageRange,
        payload: &[u8; 32],
        rng: &mut dyn CryptoRng,
    ) -> Slot {
        let nonce: [u8; 16] = random::bytes(rng);
        let sealed = siv(kek).encrypt([&associated(ledger_id, &name, kek.number)[..], &nonce], payload);
        let sealed = sealed.expect("32 bytes are few enough");
        let payload = sealed.as_slice().try_into().expect("16 bytes of tag and 32 of payload");
        Slot { name, generation, kek: kek.number, pages, nonce, payload }
    }

    /// The entry's 32 secret bytes.
    ///
    /// # Errors
    /// [`SlotSealed`].
    pub fn open(&self, ledger_id: LedgerId, kek: &Kek) -> Result<Zeroizing<[u8; 32]>, SlotSealed> {
        let associated = associated(ledger_id, &self.name, self.kek);
        let opened = siv(kek).decrypt([&associated[..], &self.nonce], &self.payload);
        let opened = Zeroizing::new(opened.map_err(|_| SlotSealed)?);
        let payload: &[u8; 32] = opened.as_slice().try_into().map_err(|_| SlotSealed)?;
        Ok(Zeroizing::new(*payload))
    }

    /// The slot's bytes.
    pub fn encode(&self) -> [u8; SLOT_BYTES] {
        let Name { kind, subject, scope } = self.name;
        let parts: [&[u8]; 11] = [
            &[kind as u8, VERSION],
            &self.generation.to_be_bytes(),
            &[0; 4],
            &subject.to_be_bytes(),
            &scope,
            &self.kek.to_be_bytes(),
            &self.nonce,
            &self.payload,
            &self.pages.first.to_be_bytes(),
            &self.pages.count.to_be_bytes(),
            &[0; ZEROS],
        ];
        let mut bytes = [0; SLOT_BYTES];
        let mut rest = &mut bytes[..];
        for part in parts {
            let (here, behind) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = behind;
        }
        let checksum = crc32c::crc32c(&bytes).to_be_bytes();
        bytes[CHECKSUM].copy_from_slice(&checksum);
        bytes
    }

    /// Reads a slot; none if it is free.
    ///
    /// # Errors
    /// [`SlotDamaged`].
    pub fn decode(bytes: &[u8; SLOT_BYTES]) -> Result<Option<Slot>, SlotDamaged> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let mut unchecked = *bytes;
        unchecked[CHECKSUM].fill(0);
        if bytes[CHECKSUM] != crc32c::crc32c(&unchecked).to_be_bytes() {
            return Err(SlotDamaged);
        }
        parse(bytes).map(Some).ok_or(SlotDamaged)
    }
}

/// The account that the bytes of a slot name, whether they are as they were written or not.
pub(super) fn subject_in(bytes: &[u8]) -> u64 {
    let subject = bytes.get(8..16).and_then(|bytes| bytes.first_chunk());
    subject.map_or(0, |subject| u64::from_be_bytes(*subject))
}

fn parse(bytes: &[u8]) -> Option<Slot> {
    let mut cutter = Cutter(bytes);
    let kind = Kind::from_number(cutter.array::<1>()?[0])?;
    if cutter.array()? != [VERSION] {
        return None;
    }
    let generation = cutter.u16()?;
    cutter.u32()?;
    let name = Name { kind, subject: cutter.u64()?, scope: cutter.array()? };
    let (kek, nonce, payload) = (cutter.u32()?, cutter.array()?, cutter.array()?);
    let pages = PageRange { first: cutter.u32()?, count: cutter.u32()? };
    let is_whole = cutter.0 == [0; ZEROS];
    is_whole.then_some(Slot { name, generation, kek, pages, nonce, payload })
}

fn associated(ledger_id: LedgerId, name: &Name, kek: u32) -> Vec<u8> {
    name.associated(ledger_id, &[&kek.to_be_bytes()])
}

/// AES-256-SIV takes 64 bytes of key: they come from the KEK.
fn siv(kek: &Kek) -> Aes256Siv {
    Aes256Siv::new((&*expand(&kek.key, &[b"ledgerd/vault-slot/1\0"])).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    const LEDGER: LedgerId = LedgerId([1; 32]);

    fn name() -> Name {
        Name { kind: Kind::Credential, subject: 7, scope: [3; 16] }
    }

    fn kek(number: u32) -> Kek {
        Kek { number, key: Zeroizing::new([number as u8; 32]) }
    }

    fn slot() -> Slot {
        let pages = PageRange { first: 5, count: 1 };
        Slot::seal(LEDGER, (name(), 2), &kek(1), pages, &[9; 32], &mut Seeded::new("slot"))
    }

    #[test]
    fn a_slot_that_was_written_is_read_and_opened_as_the_same_entry() {
        let read = Slot::decode(&slot().encode()).unwrap().unwrap();
        assert_eq!(read, slot());
        assert_eq!(*read.open(LEDGER, &kek(1)).unwrap(), [9; 32]);
        assert_eq!(Slot::decode(&[0; SLOT_BYTES]), Ok(None));
    }

    #[test]
    fn a_slot_with_any_other_byte_is_damaged_and_never_free() {
        for at in 0..SLOT_BYTES {
            for change in [1, 0x80, 0xff] {
                let mut bytes = slot().encode();
                bytes[at] ^= change;
                assert_eq!(Slot::decode(&bytes), Err(SlotDamaged), "byte {at}");
            }
        }
    }

    #[test]
    fn a_payload_opens_for_its_own_entry_ledger_and_kek_only() {
        let slot = slot();
        let other_names = [
            Name { kind: Kind::ScopeKey, ..name() },
            Name { subject: 8, ..name() },
            Name { scope: [4; 16], ..name() },
        ];
        for other in other_names {
            assert_eq!(
                Slot { name: other, ..slot.clone() }.open(LEDGER, &kek(1)),
                Err(SlotSealed),
                "{other:?}"
            );
        }
        assert_eq!(slot.open(LedgerId([2; 32]), &kek(1)), Err(SlotSealed));
        assert_eq!(slot.open(LEDGER, &kek(2)), Err(SlotSealed));
        assert_eq!(Slot { kek: 2, ..slot }.open(LEDGER, &kek(1)), Err(SlotSealed));
    }
}
