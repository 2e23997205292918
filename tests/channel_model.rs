//! The models of the channel and of the log-in over it, which `contrib/model/run` gives to Verifpal, against docs/channel.md and against each
//! other. Verifpal itself takes too long for a test.

use std::collections::BTreeMap;
use std::path::Path;

/// Every model by its name, in order.
fn models() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/model");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let models: BTreeMap<String, String> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "vp"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(models.len() > 45, "only {} models were found", models.len());
    models
}

/// The rows of the table in docs/channel.md that one model makes: itself, and each of its queries with the sentence and
/// the outcome that stand above it.
fn rows(name: &str, model: &str) -> Vec<String> {
    let head = model.lines().map_while(|line| line.strip_prefix("// "));
    let mut rows = vec![format!("| **{name}** | {} | |", head.collect::<Vec<_>>().join(" "))];
    let (_, queries) = model.split_once("\nqueries[\n").unwrap_or_else(|| panic!("{name} has no queries"));
    let (mut sentence, mut outcome) = ("", "");
    for line in queries.lines().map(str::trim) {
        if let Some(expected) = line.strip_prefix("// expected: ") {
            outcome = expected;
        } else if let Some(comment) = line.strip_prefix("// ") {
            sentence = comment;
        } else if line.contains("? ") {
            let has_reason = |kind: &str| outcome.strip_prefix(kind).is_some_and(|rest| rest.len() > 10);
            let is_known = outcome == "pass" || has_reason("fail, ") || has_reason("replay, ");
            assert!(
                is_known && !sentence.is_empty(),
                "{name}: {line} stands under {sentence:?}, {outcome:?}"
            );
            rows.push(format!("| `{line}` | {sentence} | {outcome} |"));
            (sentence, outcome) = ("", "");
        }
    }
    assert!(rows.len() > 1, "{name} has no queries");
    rows
}

#[test]
fn the_table_lists_the_queries_of_the_models_and_no_others() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/channel.md"));
    let document = document.unwrap();
    let (_, table) = document.split_once("\n| query | in words | outcome |\n|---|---|---|\n").unwrap();
    let listed: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<String> = models().iter().flat_map(|(name, model)| rows(name, model)).collect();
    for (listed, expected) in listed.iter().zip(&expected) {
        assert_eq!(listed, expected, "`contrib/model/run --table` prints the table of docs/channel.md");
    }
    assert_eq!(
        listed.len(),
        expected.len(),
        "`contrib/model/run --table` prints the table of docs/channel.md"
    );
}

/// What differs between `full.vp` and `full_unpinned.vp` is who knows what; were it the handshake as well, one of the two
/// would say nothing about the channel. The same goes for a log-in and a log-in after a theft.
#[test]
fn the_models_of_one_handshake_share_it() {
    let models = models();
    let mut shared = 0;
    for (name, model) in &models {
        let handshake = |model: &str| Some(model.split("\n// ---- ").nth(1)?.to_owned());
        let family = name.split('_').next().unwrap_or_default();
        if let (Some(own), Some(first)) = (handshake(model), models.get(family)) {
            assert_eq!(Some(own), handshake(first), "{name}.vp and {family}.vp differ in the handshake");
            shared += 1;
        }
    }
    assert!(shared > 35, "{shared}");
}
