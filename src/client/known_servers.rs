//! Which servers are known, and what of each must not change or go back.
//!
//! A line: `address ledger_id vkey highest_serial enc_key_id last_checkpoint`, the ids in hexadecimal, the
//! checkpoint as base64 of the signed note or `-`.

use std::str::FromStr;

use base64ct::{Base64, Encoding};

use super::{ClientError, Home};
use crate::chain::{Checkpoint, Genesis};
use crate::crypto::note::LogPublicKey;
use crate::crypto::{KeyId, LedgerId};
use crate::session::{Descriptor, DescriptorError, KeyInfo};

const FILE: &str = "known_servers";

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
    fn to_line(&self) -> String {
        let checkpoint = self.checkpoint.as_ref().map(|note| Base64::encode_string(note.as_bytes()));
        let checkpoint = checkpoint.as_deref().unwrap_or("-");
        let (address, ledger, key) = (&self.address, self.ledger_id, &self.log_key);
        format!("{address} {ledger} {key} {} {} {checkpoint}\n", self.serial, self.encryption_key)
    }

    fn from_line(line: &str) -> Option<KnownServer> {
        let mut fields = line.split(' ');
        let address = fields.next()?.to_owned();
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

    fn descriptor_file(&self) -> String {
        format!("servers/{}.descriptor", self.ledger_id)
    }

    /// The newest verified descriptor.
    ///
    /// # Errors
    /// [`ClientError`] when it is gone or does not fit the pin.
    pub fn descriptor(&self, home: &Home) -> Result<Descriptor, ClientError> {
        let text = home.read(&self.descriptor_file())?;
        let text = text
            .ok_or_else(|| ClientError::Config("the server's descriptor is gone: run getKey".to_owned()))?;
        let descriptor =
            Descriptor::parse(&text).map_err(|error| ClientError::Integrity(error.to_string()))?;
        self.check(&descriptor)?;
        Ok(descriptor)
    }

    /// Holds a descriptor against the pin.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] with both fingerprints when it is of another server.
    pub fn check(&self, descriptor: &Descriptor) -> Result<(), ClientError> {
        descriptor.check_pin(&self.log_key, &self.ledger_id, self.serial).map_err(|error| {
            let text = match error {
                DescriptorError::OtherLogKey | DescriptorError::OtherLedger => format!(
                    "THE SERVER AT {} IS NOT THE ONE THAT WAS PINNED\n  pinned: {}\n  now:    {}\n\
                     If the change is intended, remove its line from known_servers in the home directory.",
                    self.address,
                    self.fingerprint(),
                    descriptor.fingerprint()
                ),
                other => format!("the server's descriptor is refused: {other}"),
            };
            ClientError::Integrity(text)
        })
    }
}

/// Everything known, in the order of the file.
///
/// # Errors
/// [`ClientError`] when the file cannot be read or a line is not understood.
pub fn all(home: &Home) -> Result<Vec<KnownServer>, ClientError> {
    let text = home.read(FILE)?.unwrap_or_default();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            KnownServer::from_line(line).ok_or_else(|| {
                ClientError::Config(format!("known_servers, line {}: not a known server", number + 1))
            })
        })
        .collect()
}

/// What is known of the server at an address.
///
/// # Errors
/// As for [`all`].
pub fn find(home: &Home, address: &str) -> Result<Option<KnownServer>, ClientError> {
    Ok(all(home)?.into_iter().find(|server| server.address == address))
}

/// Keeps a checkpoint of a ledger that was proven to extend the one before, for all addresses that the ledger
/// is known by, unless a newer one is kept by now.
///
/// # Errors
/// [`ClientError`].
pub fn advance(home: &Home, ledger_id: LedgerId, note: &str) -> Result<(), ClientError> {
    let lock = home.lock()?;
    let mut servers = all(home)?;
    let mut changed = false;
    for known in servers.iter_mut().filter(|server| server.ledger_id == ledger_id) {
        let shown = read_checkpoint(known, note)?;
        let kept = known.checkpoint.as_ref().map(|kept| read_checkpoint(known, kept)).transpose()?;
        if kept.is_none_or(|kept| kept.size < shown.size) {
            known.checkpoint = Some(note.to_owned());
            changed = true;
        }
    }
    if changed {
        write_all(home, &servers)?;
    }
    drop(lock);
    Ok(())
}

/// Keeps a server that was looked at for the first time, or its newer descriptor. What another call has kept
/// meanwhile counts as well: this may refuse a server that was not known a moment ago.
///
/// # Errors
/// [`ClientError`].
pub fn keep(home: &Home, address: &str, descriptor: &Descriptor) -> Result<KnownServer, ClientError> {
    let lock = home.lock()?;
    let mut servers = all(home)?;
    let same = |server: &KnownServer| {
        server.ledger_id == descriptor.ledger_id() && server.log_key == *descriptor.log_key()
    };
    // One ledger may be known by several addresses. Its descriptor is kept once, and moves only forward for
    // all of them.
    for known in servers.iter().filter(|known| known.address == address || same(known)) {
        known.check(descriptor)?;
    }
    if !servers.iter().any(|known| known.address == address) {
        let others = servers.iter().filter(|known| same(known));
        let checkpoint = others.filter_map(|known| known.checkpoint.clone()).next();
        servers.push(KnownServer {
            address: address.to_owned(),
            ledger_id: descriptor.ledger_id(),
            log_key: descriptor.log_key().clone(),
            serial: descriptor.serial(),
            encryption_key: descriptor.encryption_key().key_id(),
            checkpoint,
        });
    }
    for known in servers.iter_mut().filter(|known| same(known)) {
        known.serial = descriptor.serial();
        known.encryption_key = descriptor.encryption_key().key_id();
        home.write(&known.descriptor_file(), descriptor.text().as_bytes())?;
    }
    write_all(home, &servers)?;
    drop(lock);
    let kept = servers.into_iter().find(|server| server.address == address);
    kept.ok_or_else(|| ClientError::Unexpected("a server that was kept is gone".to_owned()))
}

/// Makes a home know a server as another home knows it, and no other server: its trust is borrowed. What the
/// home knows of the same ledger at the same address stays, because its checkpoint may be newer.
///
/// # Errors
/// [`ClientError`].
pub(super) fn borrow(home: &Home, server: &KnownServer, descriptor: &Descriptor) -> Result<(), ClientError> {
    let lock = home.lock()?;
    let same = |known: &KnownServer| {
        known.ledger_id == server.ledger_id
            && known.log_key == server.log_key
            && known.serial >= server.serial
    };
    if !find(home, &server.address)?.is_some_and(|known| same(&known)) {
        home.write(&server.descriptor_file(), descriptor.text().as_bytes())?;
        write_all(home, std::slice::from_ref(server))?;
    }
    drop(lock);
    Ok(())
}

fn write_all(home: &Home, servers: &[KnownServer]) -> Result<(), ClientError> {
    let text: String = servers.iter().map(KnownServer::to_line).collect();
    home.write(FILE, text.as_bytes())
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
