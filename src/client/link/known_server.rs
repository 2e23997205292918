//! A pinned server: known by its ledger and its log key, and by what of it must not change or go back. Its addresses are
//! only where it was found.

use std::str::FromStr;

use base64ct::{Base64, Encoding};

use super::addresses::Addresses;
use crate::chain::Checkpoint;
use crate::client::{ClientError, Home};
use crate::crypto::note::LogPublicKey;
use crate::crypto::{KeyId, LedgerId};
use crate::session::{Descriptor, DescriptorError};

/// The name of the file in the home directory that holds a line for each of them.
pub(super) const FILE: &str = "known_servers";

/// The fields of a line, as people are told them.
const FIELDS: &str =
    "LEDGER_ID VKEY SERIAL ENC_KEY_ID CHECKPOINT ADDRESS[,ADDRESS...] compared|accepted CRC32C";

/// A pinned server.
#[derive(Clone, Debug)]
pub struct KnownServer {
    /// Which ledger it serves; never changes.
    pub ledger_id: LedgerId,
    /// Its log key; never changes.
    pub log_key: LogPublicKey,
    /// The highest serial of a descriptor seen, at whichever address.
    pub serial: u64,
    /// Names the RSA key of that descriptor.
    pub encryption_key: KeyId,
    /// The newest checkpoint verified, at whichever address: a signed note.
    pub checkpoint: Option<String>,
    /// Where it was found, in the order in which it was; of a server that is in use, the address in use is in front.
    pub addresses: Addresses,
    /// Whether somebody compared its fingerprint before it was pinned. A server that was accepted as it came may be a false one.
    pub compared: bool,
}

/// The word for a server whose fingerprint was compared.
const COMPARED: &str = "compared";

/// The word for one that was accepted as it came.
const ACCEPTED: &str = "accepted";

impl KnownServer {
    /// The address in use, or the one that it was found at first.
    pub fn address(&self) -> &str {
        self.addresses.first()
    }

    /// The same server, in use at this address.
    pub(super) fn in_use_at(&self, address: &str) -> KnownServer {
        KnownServer { addresses: self.addresses.beginning_with(address), ..self.clone() }
    }

    /// Its line in the file, without the newline.
    pub(super) fn to_line(&self) -> String {
        let checkpoint = self.checkpoint.as_ref().map(|note| Base64::encode_string(note.as_bytes()));
        let checkpoint = checkpoint.as_deref().unwrap_or("-");
        let (ledger, key, addresses) = (self.ledger_id, &self.log_key, &self.addresses);
        let trust = if self.compared { COMPARED } else { ACCEPTED };
        let fields = format!(
            "{ledger} {key} {} {} {checkpoint} {addresses} {trust}",
            self.serial, self.encryption_key
        );
        format!("{fields} {:08x}", crc32c::crc32c(fields.as_bytes()))
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it and what was expected, for people.
    pub(super) fn from_line(line: &str) -> Result<KnownServer, String> {
        KnownServer::parse(line).ok_or_else(|| {
            let what = if is_in_the_older_form(line) {
                "a known server in an older form, which begins with its address"
            } else {
                "not a known server, or damaged"
            };
            format!("{what}: expected {FIELDS}")
        })
    }

    fn parse(line: &str) -> Option<KnownServer> {
        let (text, sum) = line.rsplit_once(' ')?;
        if sum != format!("{:08x}", crc32c::crc32c(text.as_bytes())) {
            return None;
        }
        let mut fields = text.split(' ');
        let ledger_id = LedgerId(const_hex::decode_to_array(fields.next()?).ok()?);
        let log_key = LogPublicKey::from_str(fields.next()?).ok()?;
        let serial = fields.next()?.parse().ok()?;
        let encryption_key = KeyId(const_hex::decode_to_array(fields.next()?).ok()?);
        let checkpoint = match fields.next()? {
            "-" => None,
            note => Some(String::from_utf8(Base64::decode_vec(note).ok()?).ok()?),
        };
        let addresses = fields.next()?.parse().ok()?;
        let compared = match fields.next()? {
            COMPARED => true,
            ACCEPTED => false,
            _ => return None,
        };
        if fields.next().is_some() {
            return None;
        }
        Some(KnownServer { ledger_id, log_key, serial, encryption_key, checkpoint, addresses, compared })
    }

    /// The fingerprint that people compare.
    pub fn fingerprint(&self) -> String {
        crate::session::descriptor::fingerprint(self.log_key.bytes(), &self.ledger_id)
    }

    /// The newest verified descriptor.
    ///
    /// # Errors
    /// [`ClientError::Config`] when it is gone, damaged or does not fit the pin: the home's fault, not the server's.
    pub fn descriptor(&self, home: &Home) -> Result<Descriptor, ClientError> {
        let name = descriptor_file(self.ledger_id);
        let unusable = |why: &str| {
            ClientError::Config(format!(
                "{} {why}: run `ledgerctl --server {} getKey`, which fetches it again",
                home.path(&name).display(),
                self.address()
            ))
        };
        let bytes = home.read_bytes(&name)?.ok_or_else(|| unusable("is gone"))?;
        let text = String::from_utf8(bytes).map_err(|_| unusable("is damaged"))?;
        let descriptor =
            Descriptor::parse(&text).map_err(|error| unusable(&format!("is damaged ({error})")))?;
        descriptor
            .check_pin(&self.log_key, &self.ledger_id, self.serial)
            .map_err(|error| unusable(&format!("is not the descriptor that was pinned ({error})")))?;
        Ok(descriptor)
    }

    /// Holds a descriptor that is shown at an address against the pin.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] with both fingerprints when it is of another server.
    pub fn check(&self, home: &Home, address: &str, descriptor: &Descriptor) -> Result<(), ClientError> {
        descriptor.check_pin(&self.log_key, &self.ledger_id, self.serial).map_err(|error| match error {
            DescriptorError::OtherLogKey | DescriptorError::OtherLedger => {
                self.not_the_one(home, address, &descriptor.fingerprint())
            }
            other => ClientError::Integrity(format!("the descriptor of {address} is refused: {other}")),
        })
    }

    /// What is told when the server is found at a further address.
    pub fn also_at(&self, address: &str) -> String {
        let known = self.address();
        format!(
            "{address} serves the ledger that you know as {known}: its pin and its newest checkpoint count here as well. \
             If it has moved for good: ledgerctl forget {known}"
        )
    }

    /// That another server than this one was met at an address. If this one was never found there, the address only
    /// stood in a list with one of this server's.
    pub(super) fn not_the_one(&self, home: &Home, address: &str, now: &str) -> ClientError {
        let pinned = self.fingerprint();
        ClientError::Integrity(if self.addresses.contains(address) {
            format!(
                "THE SERVER AT {address} IS NOT THE ONE THAT WAS PINNED\n  pinned: {pinned}\n  now:    {now}\n\
                 The pin stands in {}.\n\
                 Somebody may be in between, or another ledger is served there now. Ask its operator for the \
                 fingerprint, another way than through this connection. If it is the new one:\n  \
                 ledgerctl forget {address}\n  \
                 ledgerctl --server {address} getKey --fingerprint {now}",
                home.path(FILE).display(),
            )
        } else {
            two_servers((self.address(), &pinned), (address, now))
        })
    }

    /// Whether a descriptor is one of this server's.
    pub(super) fn is_of(&self, descriptor: &Descriptor) -> bool {
        self.ledger_id == descriptor.ledger_id() && self.log_key == *descriptor.log_key()
    }
}

/// That two addresses, each with the fingerprint that is served there, are not those of one server.
pub(super) fn two_servers(one: (&str, &str), other: (&str, &str)) -> String {
    format!(
        "THE ADDRESSES IN THE LIST ARE NOT THOSE OF ONE SERVER\n  {}: {}\n  {}: {}\n\
         Whichever of them answers is taken for the server, so a list may name no other one. Give the addresses of one \
         of the two",
        one.0, one.1, other.0, other.1
    )
}

/// Whether a line was written when a line was that of an address: `ADDRESS LEDGER_ID VKEY SERIAL ENC_KEY_ID CHECKPOINT
/// CRC32C`, with a checksum over what stands between the address and itself.
fn is_in_the_older_form(line: &str) -> bool {
    let parts = line.split_once(' ').and_then(|(_, rest)| rest.rsplit_once(' '));
    parts.is_some_and(|(fields, sum)| sum == format!("{:08x}", crc32c::crc32c(fields.as_bytes())))
}

/// The file of the newest descriptor of a ledger.
pub(super) fn descriptor_file(ledger_id: LedgerId) -> String {
    format!("servers/{ledger_id}.descriptor")
}

/// Verifies the signature of a checkpoint and reads it.
///
/// # Errors
/// [`ClientError::Integrity`].
pub fn read_checkpoint(server: &KnownServer, note: &str) -> Result<Checkpoint, ClientError> {
    Checkpoint::of_note(note, &server.log_key)
        .map_err(|error| ClientError::Integrity(format!("the server's checkpoint is refused: {error}")))
}

#[cfg(test)]
mod tests {
    use super::super::example::example;
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for addresses in ["a:1", "a:1,[::1]:2,c.example:3"] {
            for checkpoint in [None, Some("a note\n".to_owned())] {
                let compared = checkpoint.is_some();
                let server = KnownServer { checkpoint, compared, ..example(1, addresses) };
                let line = server.to_line();
                let read = KnownServer::from_line(&line).unwrap();
                assert_eq!(read.to_line(), line);
                assert_eq!((&read.addresses, read.checkpoint), (&server.addresses, server.checkpoint));
            }
        }
    }

    #[test]
    fn a_line_in_the_older_form_is_told_apart_from_a_damaged_one() {
        let KnownServer { ledger_id, log_key, serial, encryption_key, .. } = example(1, "a:1");
        let fields = format!("{ledger_id} {log_key} {serial} {encryption_key} YQ==");
        let older = format!("a:1 {fields} {:08x}", crc32c::crc32c(fields.as_bytes()));
        let said = KnownServer::from_line(&older).unwrap_err();
        assert!(said.contains("older form") && said.ends_with(FIELDS), "{said}");
        for damaged in [fields.as_str(), "", "a:1", &older[1..older.len() - 1]] {
            let said = KnownServer::from_line(damaged).unwrap_err();
            assert!(said.contains("damaged") && said.ends_with(FIELDS), "{damaged}: {said}");
        }
    }
}
