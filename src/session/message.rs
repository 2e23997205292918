//! Puts messages together from their parts, under a cap.

use super::error::Fault;

/// The parts of the message that is arriving.
#[derive(Debug)]
pub struct Reassembly {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Reassembly {
    /// Takes messages of at most `bytes_max` bytes. Nothing is reserved: memory follows what has arrived.
    pub fn new(bytes_max: usize) -> Reassembly {
        Reassembly { bytes: Vec::new(), bytes_max }
    }

    /// Bytes of memory that the parts take.
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Takes a part; the last one gives the message.
    ///
    /// # Errors
    /// [`Fault::Protocol`] as soon as the parts are longer than a message may be.
    pub fn push(&mut self, part: &[u8], last: bool) -> Result<Option<Vec<u8>>, Fault> {
        if part.len() > self.bytes_max - self.bytes.len() {
            self.bytes = Vec::new();
            return Err(Fault::Protocol);
        }
        self.bytes.extend_from_slice(part);
        Ok(last.then(|| std::mem::take(&mut self.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gibibyte_in_parts_is_cut_off_at_the_cap() {
        let mut inbox = Reassembly::new(1 << 20);
        let part = vec![0; 16_384];
        let taken = (0..65_536).take_while(|_| inbox.push(&part, false) == Ok(None)).count();
        assert_eq!(taken, 64);
        assert_eq!(inbox.bytes.capacity(), 0, "what was collected is given back");
    }

    #[test]
    fn messages_may_be_empty_and_as_long_as_the_cap() {
        let mut inbox = Reassembly::new(5);
        assert_eq!(inbox.push(b"", true), Ok(Some(vec![])));
        assert_eq!(inbox.push(b"ab", false), Ok(None));
        assert_eq!(inbox.push(b"cde", true), Ok(Some(b"abcde".to_vec())));
        assert_eq!(inbox.push(b"abcde", false), Ok(None));
        assert_eq!(inbox.push(b"f", true), Err(Fault::Protocol));
    }
}
