//! One record of the journal.

/// Bytes of a record.
pub const RECORD_BYTES: usize = 32;

/// Bytes of a record that its checksum is over.
const CHECKED_BYTES: usize = 28;

/// Something that was asked for or refused, and how often within a minute:
///
/// ```text
/// time_ms u64 ‖ account u64 ‖ code u16 ‖ count u16 ‖ about u64 ‖ CRC-32C u32 of the 28 bytes before
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The time at which it happened first, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The account that asked; 0 for a caller without an account, and for the server itself.
    pub account: u64,
    /// The number of what happened.
    pub code: u16,
    /// How often it happened; 65,535 stands for that often or more.
    pub count: u16,
    /// The account that it is about; 0 for nobody, or for more accounts than are told apart.
    pub about: u64,
}

impl Record {
    /// The bytes of the record.
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        let fields = [
            &self.time_ms.to_be_bytes()[..],
            &self.account.to_be_bytes(),
            &self.code.to_be_bytes(),
            &self.count.to_be_bytes(),
            &self.about.to_be_bytes(),
        ]
        .concat();
        let checksum = crc32c::crc32c(&fields);
        for (place, byte) in bytes.iter_mut().zip(fields.into_iter().chain(checksum.to_be_bytes())) {
            *place = byte;
        }
        bytes
    }

    /// The record in these bytes; none where they are damaged, or were never written.
    pub fn decode(bytes: &[u8; RECORD_BYTES]) -> Option<Record> {
        let (checked, checksum) = bytes.split_first_chunk::<CHECKED_BYTES>()?;
        if crc32c::crc32c(checked).to_be_bytes() != checksum {
            return None;
        }
        let (time_ms, rest) = checked.split_first_chunk()?;
        let (account, rest) = rest.split_first_chunk()?;
        let (code, rest) = rest.split_first_chunk()?;
        let (count, about) = rest.split_first_chunk()?;
        Some(Record {
            time_ms: u64::from_be_bytes(*time_ms),
            account: u64::from_be_bytes(*account),
            code: u16::from_be_bytes(*code),
            count: u16::from_be_bytes(*count),
            about: u64::from_be_bytes(about.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_bytes_of_the_document_and_no_flipped_bit_is_one() {
        let record = Record { time_ms: 0x0102, account: 3, code: 0x0405, count: 6, about: 7 };
        let bytes = record.encode();
        let expected = [
            &[0, 0, 0, 0, 0, 0, 1, 2][..],
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[4, 5],
            &[0, 6],
            &[0, 0, 0, 0, 0, 0, 0, 7],
        ]
        .concat();
        assert_eq!(bytes[..28], expected);
        assert_eq!(bytes[28..], crc32c::crc32c(&expected).to_be_bytes());
        assert_eq!(Record::decode(&bytes), Some(record));
        for bit in 0..RECORD_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(Record::decode(&[0; RECORD_BYTES]), None, "what was never written is no record");
    }
}
