//! An erasure note held against a ledger's files: whether the block that it names is there and says what the note says.

use std::path::Path;

use super::ledger_files::no_verdict;
use crate::audit::{self, Report};
use crate::chain::Erasure;
use crate::cli::named_files::read_handed_on;
use crate::client::ClientError;
use crate::eventlog::Disk;

/// An erasure note that was compared.
pub(super) struct Compared {
    /// What the note says.
    pub(super) erasure: Erasure,
    /// What the ledger says otherwise; none if it says the same.
    pub(super) contradiction: Option<String>,
}

impl Compared {
    /// Compares the note in a file with the ledger that was just audited.
    ///
    /// # Errors
    /// [`ClientError::Usage`] for a file that is no erasure note of this ledger.
    pub(super) fn with(
        file: &Path,
        (directory, disk): (&Path, &Disk),
        report: &Report,
    ) -> Result<Compared, ClientError> {
        let not_one = |reason: String| {
            ClientError::Usage(format!("{}: not an erasure note of this ledger: {reason}", file.display()))
        };
        let note = read_handed_on(file)?;
        let log_key =
            report.log_key.as_ref().ok_or_else(|| not_one("its log key is not known".to_owned()))?;
        let erasure = Erasure::of_note(&note, log_key).map_err(|error| not_one(error.to_string()))?;
        let (mut index, mut found) = (0, None);
        let read = audit::export(disk, &mut |bytes, _| {
            if index == erasure.block {
                found = Erasure::of_block(bytes, log_key.origin(), erasure.ledger_id, erasure.vault);
            }
            index += 1;
            index <= erasure.block
        });
        read.map_err(|error| no_verdict(directory, &error))?;
        let contradiction = match found {
            None => Some(format!("block {} of the ledger erases nobody, or is not there", erasure.block)),
            Some(said) if said != erasure => Some(format!("block {} says something else", erasure.block)),
            Some(_) if report.ledger_id != Some(erasure.ledger_id) => {
                Some("it is of another ledger".to_owned())
            }
            Some(_) => None,
        };
        Ok(Compared { erasure, contradiction })
    }

    /// Whether the ledger says what the note says, as programs read it.
    pub(super) fn as_json(&self) -> serde_json::Value {
        let Compared { erasure, contradiction } = self;
        serde_json::json!({
            "verdict": if contradiction.is_none() { "confirmed" } else { "contradicted" },
            "account": erasure.subject.0,
            "block": erasure.block,
            "destroyed": erasure.destroyed,
        })
    }

    /// The same for people.
    pub(super) fn in_words(&self) -> String {
        let Erasure { subject, block, destroyed, .. } = &self.erasure;
        match &self.contradiction {
            None => format!(
                "block {block} erased account {subject}; that {destroyed} secrets of it are destroyed is the server's word"
            ),
            Some(reason) => format!("WRONG: the erasure note of account {subject}: {reason}"),
        }
    }
}
