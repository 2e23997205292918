//! Canonical postcard: the one way in which bytes become values.
//!
//! postcard alone accepts integers that are longer than needed and ignores what follows a value, so that one
//! value would have many encodings, and a signature over one could be carried to another. [`strict`] accepts
//! exactly the bytes that [`encode`] makes. Format: <https://postcard.jamesmunns.com/wire-format>.

use serde::{Serialize, de::Deserialize};

/// Bytes of the longest encoding of an integer of 64 bits: seven bits in each.
pub const U64_BYTES_MAX: usize = 64_usize.div_ceil(7);

/// Bytes of the length that stands before the elements of a list.
pub const fn length_bytes(count: usize) -> usize {
    let bits = (usize::BITS - count.leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

/// Bytes that are not the canonical encoding of the wanted type. Says no more: what a stranger sent wrong is
/// of no use to the program, and a person is shown the field by the layer that knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCanonical;

impl std::fmt::Display for NotCanonical {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a canonical encoding")
    }
}

impl std::error::Error for NotCanonical {}

/// Decodes `bytes`, all of them, and only if encoding the value again gives the same bytes.
///
/// # Errors
/// [`NotCanonical`] when the bytes do not decode, when some are left over, or when they are not minimal.
pub fn strict<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<T, NotCanonical> {
    let (value, rest) = postcard::take_from_bytes::<T>(bytes).map_err(|_| NotCanonical)?;
    if !rest.is_empty() {
        return Err(NotCanonical);
    }
    let same = postcard::serialize_with_flavor::<T, _, bool>(&value, Comparing { left: bytes });
    if same == Ok(true) { Ok(value) } else { Err(NotCanonical) }
}

/// Takes a value off the front of bytes, and gives what follows it. For bytes that [`strict`] has accepted before: this
/// does not see whether an encoding is minimal.
///
/// # Errors
/// [`NotCanonical`] when they do not begin with such a value.
pub fn front<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), NotCanonical> {
    postcard::take_from_bytes(bytes).map_err(|_| NotCanonical)
}

/// Encodes a value. The types that reach this are ours and bounded, so it cannot fail; a type that postcard
/// does not support is a mistake in this crate and caught by the first test that encodes it.
#[expect(clippy::expect_used, reason = "only an unsupported type can fail, and every type encoded is ours")]
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("our own types have a postcard encoding")
}

/// A postcard output that writes nowhere and compares instead: re-encoding costs no allocation.
struct Comparing<'a> {
    left: &'a [u8],
}

impl postcard::ser_flavors::Flavor for Comparing<'_> {
    type Output = bool;

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.left = self.left.strip_prefix(data).ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.try_extend(&[data])
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.left.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_bytes_of_a_value_decode() {
        let bytes = encode(&(300u32, "ab"));
        assert_eq!(strict::<(u32, String)>(&bytes), Ok((300, "ab".to_owned())));
        let trailing = [&bytes[..], &[0]].concat();
        assert_eq!(strict::<(u32, String)>(&trailing), Err(NotCanonical));
        assert_eq!(strict::<u32>(&[0x81, 0x00]), Err(NotCanonical), "a varint longer than needed");
        assert_eq!(strict::<u32>(&[1]), Ok(1));
        assert_eq!(strict::<u32>(&[]), Err(NotCanonical));
    }

    #[test]
    fn no_integer_takes_more_than_the_longest() {
        assert_eq!(encode(&u64::MAX).len(), U64_BYTES_MAX);
    }

    #[test]
    fn a_length_of_two_to_the_forty_is_refused_without_allocating() {
        assert_eq!(strict::<Vec<u64>>(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), Err(NotCanonical));
        assert_eq!(strict::<String>(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), Err(NotCanonical));
    }
}
