//! Which server is found at the addresses of a list, and whether it is one that is known.

use super::addresses::Addresses;
use super::connection::{PATIENCE, get_key_within};
use super::known_server::{KnownServer, two_servers};
use super::known_servers::{self, verify_key_info};
use super::trying::{Shares, named, nobody_answers};
use crate::client::{ClientError, Home};
use crate::session::{Descriptor, DescriptorError};

/// What is served at the addresses of a list: one ledger, whichever of them is asked.
#[derive(Debug)]
pub struct Found {
    /// Those that answered, in their order.
    pub addresses: Addresses,
    /// What all of them say of themselves.
    pub descriptor: Descriptor,
    /// The first block of the ledger, to which the descriptor was held.
    pub genesis: Vec<u8>,
    /// Why the others did not answer.
    pub silent: Vec<ClientError>,
    /// What is pinned of it, be it at one of these addresses or at another one.
    pub known: Option<KnownServer>,
}

/// Asks every address of a list for its key, and holds the answers against each other and against what is pinned. A pin
/// needs nobody's word at an address that is new: its log key signed the descriptor, and the newest checkpoint that was
/// shown elsewhere counts there. Whether a server that is not pinned is the right one is not known yet.
///
/// # Errors
/// [`ClientError::Unreachable`] or [`ClientError::Busy`] when none answers; [`ClientError::Integrity`] when an answer is
/// not what it claims to be, is of another server than is pinned, or two answers are of different servers.
pub fn find_server(home: &Home, addresses: &Addresses) -> Result<Found, ClientError> {
    let pinned = known_servers::find_one(home, addresses)?;
    let mut shares = Shares::of(PATIENCE, addresses);
    let mut silent = Vec::new();
    let mut found: Option<Found> = None;
    for address in addresses.iter() {
        let info = match get_key_within(address, shares.next()) {
            Err(error) if error.is_away() => {
                silent.push(named(address, error));
                continue;
            }
            other => other?,
        };
        let descriptor = verify_key_info(&info)?;
        let known = match &pinned {
            Some(pinned) => Some(pinned.clone()),
            None => known_servers::find_ledger(home, descriptor.ledger_id())?,
        };
        if let Some(known) = &known {
            known.check(home, address, &descriptor)?;
        }
        match &mut found {
            Some(before) => {
                compare((before.addresses.first(), &before.descriptor), (address, &descriptor))?;
                before.addresses = before.addresses.with(address);
            }
            None => {
                let (addresses, genesis) = (Addresses::of_one(address), info.genesis);
                found = Some(Found { addresses, descriptor, genesis, silent: Vec::new(), known });
            }
        }
    }
    match found {
        Some(found) => Ok(Found { silent, ..found }),
        None => Err(nobody_answers(silent)),
    }
}

/// Holds what two addresses say against each other: the older of two descriptors is refused, as it would be at a server
/// that was pinned.
fn compare(one: (&str, &Descriptor), other: (&str, &Descriptor)) -> Result<(), ClientError> {
    let (older, newer) = if one.1.serial() <= other.1.serial() { (one, other) } else { (other, one) };
    let (log_key, ledger_id) = (newer.1.log_key(), newer.1.ledger_id());
    older.1.check_pin(log_key, &ledger_id, newer.1.serial()).map_err(|error| {
        ClientError::Integrity(match error {
            DescriptorError::OtherLogKey | DescriptorError::OtherLedger => {
                two_servers((one.0, &one.1.fingerprint()), (other.0, &other.1.fingerprint()))
            }
            error => {
                format!("the descriptor of {} is refused, because of that of {}: {error}", older.0, newer.0)
            }
        })
    })
}
