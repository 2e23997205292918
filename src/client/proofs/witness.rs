//! A member as a witness: says of each checkpoint that it is consistent with everything the witness saw before.
//! Its view is kept, durably, before its word leaves, and only moves forward.

use crate::chain::Checkpoint;
use crate::client::home::damaged;
use crate::client::link::known_servers::read_checkpoint;
use crate::client::link::{Member, Reopen, prove_consistent, prove_extends, question};
use crate::client::{ClientError, Home, clock};
use crate::crypto::cosignature::{WitnessKey, WitnessPublicKey};
use crate::crypto::random;

/// The witness's name and seed, a line each.
const KEY_FILE: &str = "witness.key";

/// The witness's key of this home, made now if there is none; `name` is what a new one is called.
///
/// # Errors
/// [`ClientError::Usage`] for a name that cannot stand in a note, or another one than the key has.
pub fn witness_key(home: &Home, name: Option<&str>, default: &str) -> Result<WitnessKey, ClientError> {
    if let Some(text) = home.read_checked(KEY_FILE)?.map(zeroize::Zeroizing::new) {
        let bad = || damaged(home, KEY_FILE);
        let mut lines = text.lines();
        let (known, seed) = (lines.next().ok_or_else(bad)?, lines.next().ok_or_else(bad)?);
        if let Some(asked) = name.filter(|asked| *asked != known) {
            return Err(ClientError::Usage(format!("--name {asked}: this home's witness is called {known}")));
        }
        let seed = const_hex::decode_to_array(seed).map_err(|_| bad())?;
        return WitnessKey::from_seed(known, &seed).map_err(|_| bad());
    }
    let name = name.unwrap_or(default);
    let key = WitnessKey::from_seed(name, &random::bytes(&mut random::os()))
        .map_err(|error| ClientError::Usage(format!("--name {name:?}: {error}")))?;
    let text = zeroize::Zeroizing::new(format!("{name}\n{}\n", const_hex::encode(*key.seed())));
    if !home.create_checked(KEY_FILE, &text)? {
        return Err(ClientError::Config(
            "the witness's key was made by another process: try again".to_owned(),
        ));
    }
    Ok(key)
}

/// One round: the newest checkpoint, proven to extend the witness's view, cosigned and handed in. What another
/// witness has cosigned since is cosigned first: otherwise the witnesses of a busy ledger would never stand behind
/// the same checkpoint.
///
/// # Errors
/// [`ClientError::Integrity`]: ROLLBACK or FORK, with the evidence's place; nothing is cosigned then.
pub fn witness_round(member: &mut Member, key: &WitnessKey) -> Result<Checkpoint, ClientError> {
    match member.ask(&question::CosignedBy(Vec::new())) {
        Ok(note) => {
            let others = read_checkpoint(member.server(), &note)?;
            if view(member)?.is_none_or(|view| view.size < others.size) {
                cosign(member, key, &note)?;
            }
        }
        Err(ClientError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    member.newest_checkpoint()?;
    let newest = member.server().checkpoint.clone().unwrap_or_default();
    cosign(member, key, &newest)
}

fn view_file(member: &Member) -> String {
    format!("witness/{}", member.server().ledger_id)
}

/// The newest checkpoint that the witness has cosigned.
fn view(member: &Member) -> Result<Option<Checkpoint>, ClientError> {
    let kept = member.home().read_checked(&view_file(member))?;
    kept.map(|kept| read_checkpoint(member.server(), &kept)).transpose()
}

/// Cosigns a checkpoint that the server proves to extend the witness's view.
fn cosign(member: &mut Member, key: &WitnessKey, note: &str) -> Result<Checkpoint, ClientError> {
    let file = view_file(member);
    let (home, server, connection) = member.parts();
    if let Some(kept) = home.read_checked(&file)? {
        prove_extends(home, server, connection, (&kept, note))?;
    }
    let checkpoint = read_checkpoint(server, note)?;
    let lock = home.lock()?;
    let kept = home.read_checked(&file)?.map(|kept| read_checkpoint(server, &kept)).transpose()?;
    if kept.is_none_or(|kept| kept.size < checkpoint.size) {
        home.write_checked(&file, note)?;
    }
    drop(lock);
    let line = key.cosign(&checkpoint.text(), clock::now().wall.millis() / 1_000);
    let vkey = key.public().to_string();
    member.ask(&question::Cosign { size: checkpoint.size, vkey, line })?;
    Ok(checkpoint)
}

/// When a witness cosigned.
#[derive(Clone, Debug)]
pub struct Cosigned {
    /// The witness's name.
    pub name: String,
    /// Seconds since the Unix epoch, by the witness's clock.
    pub seconds: u64,
}

/// The newest checkpoint that all these witnesses cosigned, each cosignature checked, proven to be of one history
/// with the checkpoint that is kept.
///
/// # Errors
/// [`ClientError::Refused`] with `not_cosigned` when there is none, [`ClientError::Integrity`] when a cosignature
/// does not hold or it is another history.
pub fn demand_cosigned(
    member: &mut Member,
    witnesses: &[WitnessPublicKey],
) -> Result<(Checkpoint, Vec<Cosigned>), ClientError> {
    let vkeys: Vec<String> = witnesses.iter().map(ToString::to_string).collect();
    let note = member.ask(&question::CosignedBy(vkeys))?;
    let mut cosigned = Vec::new();
    for witness in witnesses {
        let (_, seconds) = witness.verify_note(&note).map_err(|error| {
            ClientError::Integrity(format!("the cosignature of {} is refused: {error}", witness.name()))
        })?;
        cosigned.push(Cosigned { name: witness.name().to_owned(), seconds });
    }
    let (home, server, connection) = member.parts();
    let checkpoint = prove_consistent(home, server, connection, &note)?;
    Ok((checkpoint, cosigned))
}
