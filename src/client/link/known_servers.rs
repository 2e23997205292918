//! Which servers are known, and what of each must not change or go back.
//!
//! A line: `address ledger_id vkey highest_serial enc_key_id last_checkpoint crc32c`, the ids in hexadecimal, the
//! checkpoint as base64 of the signed note or `-`, the checksum over the fields between the address and itself. Blank
//! lines, lines that begin with `#`, and a byte order mark are left as they are.

use std::str::FromStr;

use base64ct::{Base64, Encoding};

use crate::chain::{Checkpoint, Genesis};
use crate::client::{ClientError, Home};
use crate::crypto::note::LogPublicKey;
use crate::crypto::{KeyId, LedgerId};
use crate::session::{Descriptor, DescriptorError, KeyInfo};

/// The name of the file in the home directory.
pub(super) const FILE: &str = "known_servers";

/// A pinned server.
#[derive(Clone, Debug)]
pub struct KnownServer {
    /// HOST:PORT, as it was asked for.
    pub address: String,
    /// Which ledger it serves; never changes.
    pub ledger_id: LedgerId,
    /// Its log key; never changes.
    pub log_key: LogPublicKey,
    /// The highest serial of a descriptor seen.
    pub serial: u64,
    /// Names the RSA key of that descriptor.
    pub encryption_key: KeyId,
    /// The newest checkpoint verified: a signed note.
    pub checkpoint: Option<String>,
}

impl KnownServer {
    pub(super) fn to_line(&self) -> String {
        let checkpoint = self.checkpoint.as_ref().map(|note| Base64::encode_string(note.as_bytes()));
        let checkpoint = checkpoint.as_deref().unwrap_or("-");
        let (ledger, key) = (self.ledger_id, &self.log_key);
        let pinned = format!("{ledger} {key} {} {} {checkpoint}", self.serial, self.encryption_key);
        format!("{} {pinned} {:08x}", self.address, crc32c::crc32c(pinned.as_bytes()))
    }

    fn from_line(line: &str) -> Option<KnownServer> {
        let (address, rest) = line.split_once(' ')?;
        let (pinned, sum) = rest.rsplit_once(' ')?;
        if sum != format!("{:08x}", crc32c::crc32c(pinned.as_bytes())) {
            return None;
        }
        let address = address.to_owned();
        let mut fields = pinned.split(' ');
        let ledger_id = LedgerId(const_hex::decode_to_array(fields.next()?).ok()?);
        let log_key = LogPublicKey::from_str(fields.next()?).ok()?;
        let serial = fields.next()?.parse().ok()?;
        let encryption_key = KeyId(const_hex::decode_to_array(fields.next()?).ok()?);
        let checkpoint = match fields.next()? {
            "-" => None,
            note => Some(String::from_utf8(Base64::decode_vec(note).ok()?).ok()?),
        };
        if fields.next().is_some() {
            return None;
        }
        Some(KnownServer { address, ledger_id, log_key, serial, encryption_key, checkpoint })
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
                self.address
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

    /// Holds a descriptor that a server shows against the pin.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] with both fingerprints when it is of another server.
    pub fn check(&self, home: &Home, descriptor: &Descriptor) -> Result<(), ClientError> {
        descriptor.check_pin(&self.log_key, &self.ledger_id, self.serial).map_err(|error| {
            let text = match error {
                DescriptorError::OtherLogKey | DescriptorError::OtherLedger => {
                    let (address, now) = (&self.address, descriptor.fingerprint());
                    format!(
                        "THE SERVER AT {address} IS NOT THE ONE THAT WAS PINNED\n  pinned: {}\n  now:    {now}\n\
                         The pin stands in {}.\n\
                         Somebody may be in between, or another ledger is served there now. Ask its operator for the \
                         fingerprint, another way than through this connection. If it is the new one:\n  \
                         ledgerctl forget {address}\n  \
                         ledgerctl --server {address} getKey --fingerprint {now}",
                        self.fingerprint(),
                        home.path(FILE).display(),
                    )
                }
                other => format!("the server's descriptor is refused: {other}"),
            };
            ClientError::Integrity(text)
        })
    }

    fn is_of(&self, descriptor: &Descriptor) -> bool {
        self.ledger_id == descriptor.ledger_id() && self.log_key == *descriptor.log_key()
    }
}

/// A line of the file.
#[derive(Clone, Debug)]
enum Line {
    /// A server.
    Server(Box<KnownServer>),
    /// What somebody wrote for people to read.
    Remark(String),
}

/// The file as it stands, with what people wrote into it.
#[derive(Clone, Debug)]
struct Lines {
    has_byte_order_mark: bool,
    lines: Vec<Line>,
}

impl Lines {
    fn read(home: &Home) -> Result<Lines, ClientError> {
        let damaged = |number: usize| {
            ClientError::Config(format!(
                "{}, line {number}: not a known server, or damaged: remove the line, and run `ledgerctl getKey` with \
                 the fingerprint of that server",
                home.path(FILE).display()
            ))
        };
        let bytes = home.read_bytes(FILE)?.unwrap_or_default();
        let text = str::from_utf8(&bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            damaged(before.split(|byte| *byte == b'\n').count())
        })?;
        let (has_byte_order_mark, text) = match text.strip_prefix('\u{feff}') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let words = line.trim();
            if words.is_empty() || words.starts_with('#') {
                lines.push(Line::Remark(line.to_owned()));
            } else {
                let server = KnownServer::from_line(words).ok_or_else(|| damaged(number))?;
                lines.push(Line::Server(Box::new(server)));
            }
        }
        Ok(Lines { has_byte_order_mark, lines })
    }

    fn to_text(&self) -> String {
        let mark = if self.has_byte_order_mark { "\u{feff}" } else { "" };
        let lines = self.lines.iter().map(|line| match line {
            Line::Server(server) => format!("{}\n", server.to_line()),
            Line::Remark(text) => format!("{text}\n"),
        });
        mark.to_owned() + &lines.collect::<String>()
    }

    fn servers(&self) -> impl Iterator<Item = &KnownServer> {
        self.lines.iter().filter_map(|line| match line {
            Line::Server(server) => Some(&**server),
            Line::Remark(_) => None,
        })
    }

    fn servers_mut(&mut self) -> impl Iterator<Item = &mut KnownServer> {
        self.lines.iter_mut().filter_map(|line| match line {
            Line::Server(server) => Some(&mut **server),
            Line::Remark(_) => None,
        })
    }
}

/// Changes the file under the lock of the home. A descriptor is there before a line speaks of it. What changes nothing
/// needs neither lock nor writing, so that a home which cannot be written to can be read.
fn change<T>(
    home: &Home,
    descriptor: Option<&Descriptor>,
    change: &mut dyn FnMut(&mut Lines) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let descriptor =
        descriptor.map(|descriptor| (descriptor_file(descriptor.ledger_id()), descriptor.text().as_bytes()));
    let mut lines = Lines::read(home)?;
    let before = lines.to_text();
    let unlocked = change(&mut lines)?;
    let is_kept = match &descriptor {
        Some((name, text)) => home.read_bytes(name)?.as_deref() == Some(text),
        None => true,
    };
    if is_kept && lines.to_text() == before {
        return Ok(unlocked);
    }
    let lock = home.lock()?;
    let mut lines = Lines::read(home)?;
    let changed = change(&mut lines)?;
    if let Some((name, text)) = descriptor {
        home.write(&name, text)?;
    }
    home.write(FILE, lines.to_text().as_bytes())?;
    drop(lock);
    Ok(changed)
}

fn descriptor_file(ledger_id: LedgerId) -> String {
    format!("servers/{ledger_id}.descriptor")
}

/// Everything known, in the order of the file.
///
/// # Errors
/// [`ClientError`] when the file cannot be read or a line is not understood.
pub fn all(home: &Home) -> Result<Vec<KnownServer>, ClientError> {
    Ok(Lines::read(home)?.servers().cloned().collect())
}

/// What is known of the server at an address.
///
/// # Errors
/// As for [`all`].
pub fn find(home: &Home, address: &str) -> Result<Option<KnownServer>, ClientError> {
    Ok(all(home)?.into_iter().find(|server| server.address == address))
}

/// A server that is known at another address and serves the same ledger with the same log key.
///
/// # Errors
/// As for [`all`].
pub fn known_elsewhere(home: &Home, descriptor: &Descriptor) -> Result<Option<KnownServer>, ClientError> {
    Ok(all(home)?.into_iter().find(|server| server.is_of(descriptor)))
}

/// Keeps a checkpoint of a ledger that was proven to extend the one before, for all addresses that the ledger
/// is known by, unless a newer one is kept by now.
///
/// # Errors
/// [`ClientError`].
pub fn advance(home: &Home, ledger_id: LedgerId, note: &str) -> Result<(), ClientError> {
    change(home, None, &mut |lines| {
        for known in lines.servers_mut().filter(|server| server.ledger_id == ledger_id) {
            let shown = read_checkpoint(known, note)?;
            let kept = known.checkpoint.as_ref().map(|kept| read_checkpoint(known, kept)).transpose()?;
            if kept.is_none_or(|kept| kept.size < shown.size) {
                known.checkpoint = Some(note.to_owned());
            }
        }
        Ok(())
    })
}

/// Keeps a checkpoint in the place of one that it does not extend. Only somebody who decides so may ask for it.
pub(super) fn put_in_place(home: &Home, ledger_id: LedgerId, note: &str) -> Result<(), ClientError> {
    change(home, None, &mut |lines| {
        for known in lines.servers_mut().filter(|server| server.ledger_id == ledger_id) {
            known.checkpoint = Some(note.to_owned());
        }
        Ok(())
    })
}

/// Keeps a server that was looked at for the first time, or its newer descriptor. What another call has kept
/// meanwhile counts as well: this may refuse a server that was not known a moment ago.
///
/// # Errors
/// [`ClientError`].
pub fn keep(home: &Home, address: &str, descriptor: &Descriptor) -> Result<KnownServer, ClientError> {
    change(home, Some(descriptor), &mut |lines| {
        // One ledger may be known by several addresses. Its descriptor is kept once, and moves only forward for
        // all of them.
        for known in lines.servers().filter(|known| known.address == address || known.is_of(descriptor)) {
            known.check(home, descriptor)?;
        }
        if !lines.servers().any(|known| known.address == address) {
            let others = lines.servers().filter(|known| known.is_of(descriptor));
            let checkpoint = others.filter_map(|known| known.checkpoint.clone()).next();
            lines.lines.push(Line::Server(Box::new(KnownServer {
                address: address.to_owned(),
                ledger_id: descriptor.ledger_id(),
                log_key: descriptor.log_key().clone(),
                serial: descriptor.serial(),
                encryption_key: descriptor.encryption_key().key_id(),
                checkpoint,
            })));
        }
        for known in lines.servers_mut().filter(|known| known.is_of(descriptor)) {
            known.serial = descriptor.serial();
            known.encryption_key = descriptor.encryption_key().key_id();
        }
        let kept = lines.servers().find(|known| known.address == address).cloned();
        kept.ok_or_else(|| ClientError::Unexpected("a server that was kept is gone".to_owned()))
    })
}

/// Strikes a server out; with the last address of its ledger goes the ledger's descriptor.
pub(super) fn strike_out(home: &Home, server: &KnownServer, is_last: bool) -> Result<(), ClientError> {
    let is_it = |line: &Line| matches!(line, Line::Server(known) if known.address == server.address);
    change(home, None, &mut |lines| {
        lines.lines.retain(|line| !is_it(line));
        Ok(())
    })?;
    if is_last { home.remove(&descriptor_file(server.ledger_id)) } else { Ok(()) }
}

/// Makes a home know a server as another home knows it, and no other server: its trust is borrowed. What the
/// home knows of the same ledger at the same address stays, because its checkpoint may be newer.
///
/// # Errors
/// [`ClientError`].
pub(in crate::client) fn borrow(
    home: &Home,
    server: &KnownServer,
    descriptor: &Descriptor,
) -> Result<(), ClientError> {
    let same = |known: &KnownServer| {
        known.address == server.address
            && known.ledger_id == server.ledger_id
            && known.log_key == server.log_key
            && known.serial >= server.serial
    };
    if all(home)?.iter().any(same) {
        return Ok(());
    }
    change(home, Some(descriptor), &mut |lines| {
        lines.lines = vec![Line::Server(Box::new(server.clone()))];
        Ok(())
    })
}

/// Checks an answer to get-key as far as it can be checked without knowing the server: block 0 hashes to the
/// ledger's id and names the log key and the origin that signed the descriptor.
///
/// # Errors
/// [`ClientError::Integrity`].
pub fn verify_key_info(info: &KeyInfo) -> Result<Descriptor, ClientError> {
    let bad = |text: &str| ClientError::Integrity(format!("the server's identity is refused: {text}"));
    let descriptor = Descriptor::parse(&info.descriptor).map_err(|error| bad(&error.to_string()))?;
    let (genesis, ledger_id) = Genesis::from_block(&info.genesis).map_err(|error| bad(&error.to_string()))?;
    if ledger_id != descriptor.ledger_id() {
        return Err(bad("the first block is of another ledger than the descriptor"));
    }
    let log_key = descriptor.log_key();
    if genesis.log_key != *log_key.bytes() || genesis.origin != log_key.origin() {
        return Err(bad("the first block names another log key or origin than the descriptor"));
    }
    Ok(descriptor)
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
    use super::*;
    use crate::client::home::temporary::home;
    use crate::crypto::note::LogKey;

    fn server(address: &str) -> KnownServer {
        let log_key = LogKey::from_seed("ledger.example/test", &[7; 32]).unwrap().public().clone();
        let (ledger_id, encryption_key) = (LedgerId([1; 32]), KeyId([2; 32]));
        let checkpoint = Some("a note\n".to_owned());
        KnownServer { address: address.to_owned(), ledger_id, log_key, serial: 3, encryption_key, checkpoint }
    }

    #[test]
    fn what_people_write_into_the_file_is_read_over_and_survives_a_change() {
        let (_directory, home) = home();
        let (a, b) = (server("a:1").to_line(), server("b:2").to_line());
        home.write(FILE, format!("\u{feff}# mine\r\n\n  {a} \r\n  # b is the same\n{b}\n").as_bytes())
            .unwrap();
        let known = all(&home).unwrap();
        assert_eq!(known.iter().map(|server| server.address.as_str()).collect::<Vec<_>>(), ["a:1", "b:2"]);
        strike_out(&home, &known[0], false).unwrap();
        let text = home.read(FILE).unwrap().unwrap();
        assert_eq!(text, format!("\u{feff}# mine\n\n  # b is the same\n{b}\n"));
    }

    #[test]
    fn a_bit_that_turned_over_in_a_line_is_told_with_the_file_and_the_line() {
        let (_directory, home) = home();
        let line = server("a:1").to_line();
        for at in 0..line.len() {
            for bit in [1, 32] {
                let mut bytes = format!("# mine\n{line}\n").into_bytes();
                bytes["# mine\n".len() + at] ^= bit;
                home.write(FILE, &bytes).unwrap();
                match all(&home) {
                    // Another address is another server, which is not known.
                    Ok(known) => {
                        assert!(at <= "a:1".len(), "byte {at} was not noticed");
                        assert!(known.iter().all(|known| known.address != "a:1"), "byte {at}");
                    }
                    Err(ClientError::Config(text)) => {
                        let start = format!("{}, line 2", home.path(FILE).display());
                        assert!(text.starts_with(&start), "byte {at}: {text}");
                    }
                    Err(other) => panic!("byte {at}: {other}"),
                }
            }
        }
    }
}
