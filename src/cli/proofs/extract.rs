//! The parts of a receipt as files for stock tools: what the author signed, the signature, and the author's key.

use std::path::Path;

use crate::chain::{Block, Receipt};
use crate::cli::context::Context;
use crate::cli::named_files::NewFile;
use crate::client::ClientError;
use crate::crypto::{KeyKind, VerifyingKey};

/// Writes `command.bin`, `command.sig` and `key.pem`, the names that the README's command line has.
pub(super) fn write_parts(
    context: &Context,
    receipt: &Receipt,
    key: Option<&VerifyingKey>,
    folder: &Path,
    force: bool,
) -> Result<(), ClientError> {
    let not_shown = |error: &dyn std::fmt::Display| ClientError::Integrity(format!("the receipt: {error}"));
    let key = key.ok_or_else(|| {
        ClientError::Usage("nobody signed the first block: there is nothing to extract".to_owned())
    })?;
    let block = Block::parse(&receipt.block).map_err(|error| not_shown(&error))?;
    std::fs::create_dir_all(folder)
        .map_err(|error| ClientError::Usage(format!("{}: {error}", folder.display())))?;
    let pem = key.to_pem();
    let parts =
        [("command.bin", block.message), ("command.sig", block.signature), ("key.pem", pem.as_bytes())];
    let paths = parts.map(|(name, _)| folder.join(name));
    // All or none: two of one receipt and one of another would be worse than nothing.
    for (path, (_, bytes)) in paths.iter().zip(parts) {
        NewFile::again(path, force)?.is_free_for(bytes)?;
    }
    for (path, (_, bytes)) in paths.iter().zip(parts) {
        NewFile::again(path, force)?.write(bytes)?;
    }
    let check = match key.kind() {
        KeyKind::Rsa3072 => {
            "openssl dgst -sha3-256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify key.pem \
             -signature command.sig command.bin"
        }
        KeyKind::Ed25519 => {
            "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -sigfile command.sig -in command.bin"
        }
    };
    context.out.note(&format!(
        "command.bin, command.sig and key.pem written to {}; there:\n  {check}",
        folder.display()
    ));
    Ok(())
}
