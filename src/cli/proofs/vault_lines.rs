//! What an audit says of a vault, in words and as JSON.

use crate::audit::{SealedCounts, VaultReport};

/// What lies in the vault, and what the log has sealed.
pub(super) fn in_words(vault: &VaultReport) -> String {
    let VaultReport { generation, entries, sealed } = vault;
    let header = generation.map_or_else(
        || "the vault cannot be read".to_owned(),
        |generation| format!("the vault has {entries} secrets, at generation {generation}"),
    );
    let Some(sealed) = sealed else { return header };
    let of_kinds = sealed.iter().map(|(kind, counts)| {
        let SealedCounts { live_scopes, live_fields, erased_scopes, erased_fields } = counts;
        format!(
            "; {}: {live_fields} fields in {live_scopes} scopes live, {erased_fields} in {erased_scopes} erased",
            kind.name()
        )
    });
    header + &of_kinds.collect::<String>()
}

/// The same for programs.
pub(super) fn as_json(vault: &VaultReport) -> serde_json::Value {
    let sealed = vault.sealed.as_ref().map(|sealed| {
        let of_kinds = sealed.iter().map(|(kind, counts)| {
            serde_json::json!({
                "kind": kind.name(),
                "live_scopes": counts.live_scopes,
                "live_fields": counts.live_fields,
                "erased_scopes": counts.erased_scopes,
                "erased_fields": counts.erased_fields,
            })
        });
        of_kinds.collect::<Vec<_>>()
    });
    serde_json::json!({ "generation": vault.generation, "entries": vault.entries, "sealed": sealed })
}
