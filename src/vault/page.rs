//! Pages: the content of an entry that does not fit into its slot, under a key that lies in the slot. A content gets a new
//! key whenever it changes, so that whoever destroys the slot has destroyed every version of it.
//!
//! ```text
//! page[4096] = AES-256-SIV(HKDF-Expand(page key, "ledgerd/vault-page/1\0"); AD = ledger_id ‖ kind ‖ subject ‖ scope ‖ part u32 ‖ parts u32; 4,080 bytes)
//! ```
//! Behind the content stand zeros.

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use zeroize::Zeroizing;

use super::name::Name;
use crate::crypto::{LedgerId, expand};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4_096;

/// Bytes of content in a page: all but the tag.
pub(super) const CONTENT_BYTES: usize = PAGE_BYTES - 16;

/// Pages of an entry at most.
pub const PAGES_MAX: usize = 64;

/// Bytes of content of an entry at most.
pub const CONTENT_BYTES_MAX: usize = PAGES_MAX * CONTENT_BYTES;

/// The secret of an entry that has content: the payload of its slot.
pub type PageKey = [u8; 32];

/// Pages do not open: they are another entry's, an older version, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PagesBroken;

impl fmt::Display for PagesBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pages do not open with the key in the slot")
    }
}

impl std::error::Error for PagesBroken {}

/// How many pages hold so many bytes of content. Even an empty one takes a page.
pub fn pages_for(bytes: usize) -> usize {
    bytes.div_ceil(CONTENT_BYTES).max(1)
}

/// Seals a content; none if it is longer than [`CONTENT_BYTES_MAX`]. The pages stand one behind the other.
pub fn seal_pages(ledger_id: LedgerId, name: &Name, key: &PageKey, content: &[u8]) -> Option<Vec<u8>> {
    let parts = pages_for(content.len());
    if parts > PAGES_MAX {
        return None;
    }
    let (mut siv, mut out) = (siv(key), Vec::with_capacity(parts * PAGE_BYTES));
    for part in 0..parts {
        let mut plain = Zeroizing::new(vec![0; CONTENT_BYTES]);
        let here = content.chunks(CONTENT_BYTES).nth(part).unwrap_or_default();
        plain.iter_mut().zip(here).for_each(|(to, from)| *to = *from);
        let associated = associated(ledger_id, name, part, parts);
        out.extend_from_slice(&siv.encrypt([associated], &plain).ok()?);
    }
    Some(out)
}

/// Opens the pages of an entry: its content, with the zeros behind it.
///
/// # Errors
/// [`PagesBroken`].
pub fn open_pages(
    ledger_id: LedgerId,
    name: &Name,
    key: &PageKey,
    pages: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PagesBroken> {
    let parts = pages.len() / PAGE_BYTES;
    if parts == 0 || parts > PAGES_MAX || !pages.len().is_multiple_of(PAGE_BYTES) {
        return Err(PagesBroken);
    }
    let (mut siv, mut content) = (siv(key), Zeroizing::new(Vec::with_capacity(parts * CONTENT_BYTES)));
    for (part, page) in pages.chunks(PAGE_BYTES).enumerate() {
        let associated = associated(ledger_id, name, part, parts);
        let plain = Zeroizing::new(siv.decrypt([associated], page).map_err(|_| PagesBroken)?);
        content.extend_from_slice(&plain);
    }
    Ok(content)
}

fn associated(ledger_id: LedgerId, name: &Name, part: usize, parts: usize) -> Vec<u8> {
    name.associated(ledger_id, &[&(part as u32).to_be_bytes(), &(parts as u32).to_be_bytes()])
}

fn siv(key: &PageKey) -> Aes256Siv {
    Aes256Siv::new((&*expand(key, &[b"ledgerd/vault-page/1\0"])).into())
}

#[cfg(test)]
mod tests {
    use super::super::name::Kind;
    use super::*;

    const LEDGER: LedgerId = LedgerId([1; 32]);
    const NAME: Name = Name { kind: Kind::Leaves, subject: 7, scope: [3; 16] };

    #[test]
    fn content_of_every_length_that_there_may_be_comes_back() {
        for length in [0, 1, 4_080, 4_081, 9_000, CONTENT_BYTES_MAX] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8 + 1).collect();
            let pages = seal_pages(LEDGER, &NAME, &[5; 32], &content).unwrap();
            assert_eq!(pages.len(), pages_for(length) * PAGE_BYTES);
            let opened = open_pages(LEDGER, &NAME, &[5; 32], &pages).unwrap();
            assert_eq!(opened[..length], content);
            assert!(opened[length..].iter().all(|byte| *byte == 0));
        }
        assert_eq!(seal_pages(LEDGER, &NAME, &[5; 32], &vec![1; CONTENT_BYTES_MAX + 1]), None);
    }

    #[test]
    fn pages_open_whole_in_their_order_and_for_their_entry_only() {
        let pages = seal_pages(LEDGER, &NAME, &[5; 32], &[1; 9_000]).unwrap();
        let swapped =
            [&pages[PAGE_BYTES..2 * PAGE_BYTES], &pages[..PAGE_BYTES], &pages[2 * PAGE_BYTES..]].concat();
        let mut changed = pages.clone();
        changed[5_000] ^= 1;
        let wrong = [&pages[..2 * PAGE_BYTES], &pages[..pages.len() - 1], &[], &swapped, &changed];
        for wrong in wrong {
            assert_eq!(open_pages(LEDGER, &NAME, &[5; 32], wrong), Err(PagesBroken));
        }
        let others = [
            Name { kind: Kind::Credential, ..NAME },
            Name { subject: 8, ..NAME },
            Name { scope: [4; 16], ..NAME },
        ];
        for other in others {
            assert_eq!(open_pages(LEDGER, &other, &[5; 32], &pages), Err(PagesBroken), "{other:?}");
        }
        assert_eq!(open_pages(LedgerId([2; 32]), &NAME, &[5; 32], &pages), Err(PagesBroken));
        assert_eq!(open_pages(LEDGER, &NAME, &[6; 32], &pages), Err(PagesBroken));
    }
}
