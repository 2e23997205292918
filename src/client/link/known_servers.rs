//! Which servers are known: a file with a line for each ledger, whatever addresses it is found at, so that its newest
//! checkpoint and the serial of its descriptor count at all of them.
//!
//! A line: `ledger_id vkey highest_serial enc_key_id last_checkpoint addresses trust crc32c`, the ids in hexadecimal, the
//! checkpoint as base64 of the signed note or `-`, the addresses in the order in which the server was found at them, with
//! commas between them, the checksum over everything before it. No ledger and no address stands in two lines. Blank lines,
//! lines that begin with `#`, and a byte order mark are left as they are.

use super::addresses::Addresses;
pub use super::known_server::read_checkpoint;
use super::known_server::{FILE, KnownServer, descriptor_file, two_servers};
use crate::chain::Genesis;
use crate::client::{ClientError, Home};
use crate::crypto::LedgerId;
use crate::session::{Descriptor, KeyInfo};

/// A line of the file.
#[derive(Clone, Debug)]
enum Line {
    /// A server.
    Server(Box<KnownServer>),
    /// What somebody wrote for people to read.
    Remark(String),
}

impl Line {
    fn is_of(&self, ledger_id: LedgerId) -> bool {
        matches!(self, Line::Server(server) if server.ledger_id == ledger_id)
    }
}

/// The file as it stands, with what people wrote into it.
#[derive(Clone, Debug)]
struct Lines {
    has_byte_order_mark: bool,
    lines: Vec<Line>,
}

impl Lines {
    fn read(home: &Home) -> Result<Lines, ClientError> {
        let bytes = home.read_bytes(FILE)?.unwrap_or_default();
        let text = str::from_utf8(&bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            unusable(home, before.split(|byte| *byte == b'\n').count(), "not text")
        })?;
        let (has_byte_order_mark, text) = match text.strip_prefix('\u{feff}') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let mut read = Lines { has_byte_order_mark, lines: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            let words = line.trim();
            let line = if words.is_empty() || words.starts_with('#') {
                Line::Remark(line.to_owned())
            } else {
                let server = KnownServer::from_line(words).map_err(|why| unusable(home, number, &why))?;
                if let Some(why) = read.has_already(&server) {
                    return Err(unusable(home, number, &why));
                }
                Line::Server(Box::new(server))
            };
            read.lines.push(line);
        }
        Ok(read)
    }

    /// What of a server stands in a line before: of two lines, nobody could say which counts.
    fn has_already(&self, server: &KnownServer) -> Option<String> {
        self.servers().find_map(|before| {
            if before.ledger_id == server.ledger_id {
                return Some("the same ledger stands in a line above".to_owned());
            }
            let twice = server.addresses.iter().find(|address| before.addresses.contains(address))?;
            Some(format!("{twice} stands in a line above, as the address of another ledger"))
        })
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

/// That a line of the file cannot be used.
fn unusable(home: &Home, number: usize, why: &str) -> ClientError {
    ClientError::Config(format!(
        "{}, line {number}: {why}. Remove the line, and run `ledgerctl getKey` with the fingerprint of that server",
        home.path(FILE).display()
    ))
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

/// Everything known, in the order of the file.
///
/// # Errors
/// [`ClientError`] when the file cannot be read or a line is not understood.
pub fn all(home: &Home) -> Result<Vec<KnownServer>, ClientError> {
    Ok(Lines::read(home)?.servers().cloned().collect())
}

/// What is known of the server that a list is of; in what is returned, the first address that it is known at is in
/// front. None when no server is known at any of them.
///
/// # Errors
/// As for [`all`]; [`ClientError::Integrity`] when the addresses are those of two servers.
pub fn find_one(home: &Home, addresses: &Addresses) -> Result<Option<KnownServer>, ClientError> {
    let known = all(home)?;
    let mut one: Option<KnownServer> = None;
    for address in addresses.iter() {
        let Some(server) = known.iter().find(|server| server.addresses.contains(address)) else { continue };
        match &one {
            None => one = Some(server.in_use_at(address)),
            Some(one) if one.ledger_id != server.ledger_id => {
                let (fingerprint, other) = (one.fingerprint(), server.fingerprint());
                let text = two_servers((one.address(), &fingerprint), (address, &other));
                return Err(ClientError::Integrity(text));
            }
            Some(_) => {}
        }
    }
    Ok(one)
}

/// What is known of the server of a ledger.
///
/// # Errors
/// As for [`all`].
pub fn find_ledger(home: &Home, ledger_id: LedgerId) -> Result<Option<KnownServer>, ClientError> {
    Ok(all(home)?.into_iter().find(|server| server.ledger_id == ledger_id))
}

/// Keeps a checkpoint of a ledger that was proven to extend the one before, unless a newer one is kept by now.
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

/// Keeps a server that was found at these addresses, or its newer descriptor; in what is returned, the first of these
/// addresses is in front. What another call has kept meanwhile counts as well: this may refuse a server that was not
/// known a moment ago. `compared` says that somebody has compared the fingerprint.
///
/// # Errors
/// [`ClientError`].
pub fn keep(
    home: &Home,
    found: &Addresses,
    descriptor: &Descriptor,
    compared: bool,
) -> Result<KnownServer, ClientError> {
    change(home, Some(descriptor), &mut |lines| {
        for known in lines.servers() {
            let address = found.iter().find(|address| known.addresses.contains(address));
            if address.is_some() || known.ledger_id == descriptor.ledger_id() {
                known.check(home, address.unwrap_or(found.first()), descriptor)?;
            }
        }
        if !lines.servers().any(|known| known.is_of(descriptor)) {
            lines.lines.push(Line::Server(Box::new(KnownServer {
                ledger_id: descriptor.ledger_id(),
                log_key: descriptor.log_key().clone(),
                serial: descriptor.serial(),
                encryption_key: descriptor.encryption_key().key_id(),
                checkpoint: None,
                addresses: found.clone(),
                compared,
            })));
        }
        let mut of_it = lines.servers_mut().filter(|known| known.is_of(descriptor));
        let known = of_it.next().ok_or_else(gone)?;
        known.compared |= compared;
        known.serial = descriptor.serial();
        known.encryption_key = descriptor.encryption_key().key_id();
        known.addresses = found.iter().fold(known.addresses.clone(), |known, address| known.with(address));
        Ok(known.in_use_at(found.first()))
    })
}

/// Keeps a newer descriptor of a server that is known, and nothing about where that was fetched.
pub(super) fn renew(
    home: &Home,
    server: &KnownServer,
    descriptor: &Descriptor,
) -> Result<KnownServer, ClientError> {
    let newer = KnownServer {
        serial: descriptor.serial(),
        encryption_key: descriptor.encryption_key().key_id(),
        ..server.clone()
    };
    change(home, Some(descriptor), &mut |lines| {
        for known in lines.servers_mut().filter(|known| known.ledger_id == server.ledger_id) {
            known.check(home, server.address(), descriptor)?;
            (known.serial, known.encryption_key) = (newer.serial, newer.encryption_key);
        }
        Ok(())
    })?;
    Ok(newer)
}

/// Keeps that a server has proven itself at a further address.
pub(super) fn add_address(home: &Home, server: &KnownServer, address: &str) -> Result<(), ClientError> {
    change(home, None, &mut |lines| {
        let is_it = |known: &KnownServer| known.ledger_id == server.ledger_id;
        // Another call may have found another server there a moment ago.
        let is_other = |known: &&KnownServer| !is_it(known) && known.addresses.contains(address);
        if let Some(other) = lines.servers().find(is_other) {
            return Err(other.not_the_one(home, address, &server.fingerprint()));
        }
        for known in lines.servers_mut().filter(|known| is_it(known)) {
            known.addresses = known.addresses.with(address);
        }
        Ok(())
    })
}

fn gone() -> ClientError {
    ClientError::Unexpected("a server that was kept is gone".to_owned())
}

/// What was struck out.
#[derive(Clone, Debug)]
pub(super) struct Struck {
    /// The server as it was known.
    pub(super) server: KnownServer,
    /// Where it is still known; if nowhere, it is forgotten.
    pub(super) elsewhere: Option<Addresses>,
}

/// Strikes an address out; with its last address goes a server, and its descriptor. `keep` is called before a server goes.
/// None when no server is known at this address.
pub(super) fn strike_out(
    home: &Home,
    address: &str,
    keep: &mut dyn FnMut(&KnownServer) -> Result<(), ClientError>,
) -> Result<Option<Struck>, ClientError> {
    let struck = change(home, None, &mut |lines| {
        let Some(known) = lines.servers_mut().find(|known| known.addresses.contains(address)) else {
            return Ok(None);
        };
        let struck = Struck { server: known.clone(), elsewhere: known.addresses.without(address) };
        match &struck.elsewhere {
            Some(elsewhere) => known.addresses = elsewhere.clone(),
            None => {
                keep(known)?;
                lines.lines.retain(|line| !line.is_of(struck.server.ledger_id));
            }
        }
        Ok(Some(struck))
    })?;
    if let Some(Struck { server, elsewhere: None }) = &struck {
        home.remove(&descriptor_file(server.ledger_id))?;
    }
    Ok(struck)
}

/// Makes a home know a server as another home knows it, and no other server: its trust is borrowed. What the
/// home knows of the same server at the same addresses stays, because its checkpoint may be newer.
///
/// # Errors
/// [`ClientError`].
pub(in crate::client) fn borrow(
    home: &Home,
    server: &KnownServer,
    descriptor: &Descriptor,
) -> Result<(), ClientError> {
    let same = |known: &KnownServer| {
        known.is_of(descriptor)
            && server.addresses.iter().all(|address| known.addresses.contains(address))
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

#[cfg(test)]
mod tests {
    use super::super::example::example;
    use super::*;
    use crate::client::home::temporary::home;

    /// Writes the lines of these servers, and nothing else.
    fn write(home: &Home, servers: &[KnownServer]) {
        let lines: String = servers.iter().map(|server| server.to_line() + "\n").collect();
        home.write(FILE, lines.as_bytes()).unwrap();
    }

    fn addresses(home: &Home) -> Vec<String> {
        all(home).unwrap().iter().map(|server| server.addresses.to_string()).collect()
    }

    fn forget(home: &Home, address: &str) -> Option<Struck> {
        strike_out(home, address, &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn what_people_write_into_the_file_is_read_over_and_survives_a_change() {
        let (_directory, home) = home();
        let (a, b) = (example(1, "a:1").to_line(), example(2, "b:2").to_line());
        home.write(FILE, format!("\u{feff}# mine\r\n\n  {a} \r\n  # b is another\n{b}\n").as_bytes())
            .unwrap();
        assert_eq!(addresses(&home), ["a:1", "b:2"]);
        forget(&home, "a:1").unwrap();
        let text = home.read(FILE).unwrap().unwrap();
        assert_eq!(text, format!("\u{feff}# mine\n\n  # b is another\n{b}\n"));
    }

    #[test]
    fn a_bit_that_turned_over_in_a_line_is_told_with_the_file_and_the_line() {
        let (_directory, home) = home();
        let line = example(1, "a:1,b:2").to_line();
        for at in 0..line.len() {
            for bit in [1, 32] {
                let mut bytes = format!("# mine\n{line}\n").into_bytes();
                bytes["# mine\n".len() + at] ^= bit;
                home.write(FILE, &bytes).unwrap();
                match all(&home) {
                    Err(ClientError::Config(text)) => {
                        let start = format!("{}, line 2: not", home.path(FILE).display());
                        assert!(text.starts_with(&start), "byte {at}: {text}");
                    }
                    other => panic!("byte {at}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn no_ledger_and_no_address_stands_in_two_lines() {
        let (_directory, home) = home();
        for (second, why) in [(example(1, "b:2"), "the same ledger"), (example(2, "c:3,a:1"), "a:1 stands")] {
            write(&home, &[example(1, "a:1"), second]);
            match all(&home) {
                Err(ClientError::Config(text)) => {
                    assert!(text.contains("line 2") && text.contains(why), "{text}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_list_is_that_of_one_server_or_refused() {
        let (_directory, home) = home();
        let (one, two) = (example(1, "a:1,b:2"), example(2, "c:3"));
        write(&home, &[one.clone(), two.clone()]);
        let found = |list: &str| find_one(&home, &list.parse().unwrap());
        let at = |list: &str| found(list).unwrap().map(|server| server.addresses.to_string());
        assert_eq!(at("b:2").as_deref(), Some("b:2,a:1"), "what is in use is in front");
        assert_eq!(at("d:4,b:2,a:1").as_deref(), Some("b:2,a:1"));
        assert_eq!(at("e:5,c:3").as_deref(), Some("c:3"));
        assert_eq!(at("d:4,e:5"), None);
        assert_eq!(addresses(&home), ["a:1,b:2", "c:3"], "looking changes nothing");
        match found("d:4,b:2,c:3") {
            Err(ClientError::Integrity(text)) => {
                for said in [format!("b:2: {}", one.fingerprint()), format!("c:3: {}", two.fingerprint())] {
                    assert!(text.contains(&said), "{text}");
                }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_is_added_once_and_never_taken_from_another_server() {
        let (_directory, home) = home();
        let (one, two) = (example(1, "a:1"), example(2, "c:3"));
        write(&home, &[one.clone(), two.clone()]);
        for _ in 0..2 {
            add_address(&home, &one, "b:2").unwrap();
            assert_eq!(addresses(&home), ["a:1,b:2", "c:3"]);
        }
        match add_address(&home, &one, "c:3") {
            Err(ClientError::Integrity(text)) => {
                let both = text.contains(&one.fingerprint()) && text.contains(&two.fingerprint());
                assert!(both && text.contains("c:3 IS NOT THE ONE"), "{text}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(addresses(&home), ["a:1,b:2", "c:3"]);
    }

    #[test]
    fn a_server_goes_with_its_last_address_and_is_kept_before_it_goes() {
        let (_directory, home) = home();
        write(&home, &[example(1, "a:1,b:2"), example(2, "c:3")]);
        let left = forget(&home, "a:1").unwrap().elsewhere;
        assert_eq!(left.map(|left| left.to_string()), Some("b:2".to_owned()));
        let mut refuse = |_: &KnownServer| Err(ClientError::Unexpected("no room".to_owned()));
        assert!(strike_out(&home, "b:2", &mut refuse).is_err());
        assert_eq!(addresses(&home), ["b:2", "c:3"], "what could not be kept stays");
        assert!(forget(&home, "b:2").unwrap().elsewhere.is_none());
        assert_eq!(addresses(&home), ["c:3"]);
        assert!(forget(&home, "b:2").is_none());
    }
}
