//! A run of `add` over one input: which commands it is cut into. Kept before anything is sent, so that the same
//! input given again goes on where the last run stopped; gone when the run is finished, so that a finished one
//! never stands in the way of a new one.

use serde::{Deserialize, Serialize};

use super::{ClientError, Home};
use crate::chain::CommandId;
use crate::crypto::{Digest, LedgerId, random};

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// SHA3-256 of the input, in hexadecimal.
    pub input: String,
    /// The commands, in order.
    pub commands: Vec<Step>,
}

/// One command of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its id, in hexadecimal.
    pub command_id: String,
    /// The block that it stands in, once that is known.
    pub block: Option<u64>,
}

fn file(ledger_id: LedgerId, account: u64, input: Digest) -> String {
    format!("manifests/{ledger_id}-{account}-{input}.json")
}

/// The unfinished plan of an input, or a new one of `count` commands, kept. True if it is unfinished.
///
/// # Errors
/// [`ClientError`] when the plan cannot be read or kept.
pub fn begin(
    home: &Home,
    ledger_id: LedgerId,
    account: u64,
    input: Digest,
    count: usize,
) -> Result<(Manifest, bool), ClientError> {
    let name = file(ledger_id, account, input);
    if let Some(text) = home.read(&name)? {
        let manifest: Result<Manifest, _> = serde_json::from_str(&text);
        if let Ok(manifest) = manifest
            && manifest.commands.len() == count
            && manifest.input == input.to_string()
        {
            return Ok((manifest, true));
        }
        let path = home.path(&name);
        return Err(ClientError::Config(format!("{}: not a manifest of this input", path.display())));
    }
    let mut rng = random::os();
    let step = |_| Step { command_id: CommandId(random::bytes(&mut rng)).to_string(), block: None };
    let manifest = Manifest { input: input.to_string(), commands: (0..count).map(step).collect() };
    keep(home, ledger_id, account, input, &manifest)?;
    Ok((manifest, false))
}

/// Keeps the state of a plan.
///
/// # Errors
/// [`ClientError`] when it cannot be kept.
pub fn keep(
    home: &Home,
    ledger_id: LedgerId,
    account: u64,
    input: Digest,
    manifest: &Manifest,
) -> Result<(), ClientError> {
    let text = serde_json::to_string(manifest).map_err(|error| ClientError::Unexpected(error.to_string()))?;
    home.write(&file(ledger_id, account, input), text.as_bytes())
}

/// Forgets a plan: it is finished, or refused for good.
///
/// # Errors
/// [`ClientError`].
pub fn finish(home: &Home, ledger_id: LedgerId, account: u64, input: Digest) -> Result<(), ClientError> {
    home.remove(&file(ledger_id, account, input))
}

impl Step {
    /// The command's id.
    ///
    /// # Errors
    /// [`ClientError::Config`] when the manifest was changed by hand.
    pub fn id(&self) -> Result<CommandId, ClientError> {
        let bytes = const_hex::decode_to_array(&self.command_id);
        bytes.map(CommandId).map_err(|_| ClientError::Config("a manifest holds a bad command id".to_owned()))
    }
}
