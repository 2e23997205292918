//! The project's Rust files as texts: where each stands, what of it is code outside tests, and what it is
//! called as a module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A Rust file of the project.
pub(super) struct File {
    /// From the project's root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// Compiled for tests only.
    pub(super) is_test: bool,
}

impl File {
    /// The module that the file is, as its path below `src/`: `chain/receipt` for `src/chain/receipt/mod.rs`. The
    /// crate itself, `src/lib.rs`, is the empty path.
    pub(super) fn module(&self) -> Option<&str> {
        let module = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let module = module.strip_suffix("/mod").unwrap_or(module);
        Some(if module == "lib" { "" } else { module })
    }

    /// The room in `src/` that the file belongs to.
    pub(super) fn room(&self) -> Option<&str> {
        self.module()?.split('/').next().filter(|room| !room.is_empty())
    }

    /// Lines of code outside tests, each with its number.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests").unwrap_or(self.text.len());
        let text = if self.is_test { "" } else { &self.text[..end] };
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The same as one text.
    pub(super) fn code_text(&self) -> String {
        self.code().map(|(_, line)| format!("{line}\n")).collect()
    }
}

pub(super) fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Every Rust file of the project, in the order of its path.
pub(super) fn files() -> Vec<File> {
    let root = root();
    let mut paths = Vec::new();
    for folder in ["src", "bin", "tests", "benches", "examples", "fuzz/src", "fuzz/fuzz_targets"] {
        collect(&root.join(folder), &mut paths);
    }
    let mut files: Vec<File> = paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let is_test = ["tests/", "benches/", "fuzz/"].iter().any(|folder| path.starts_with(folder));
            File { path, text, is_test }
        })
        .collect();
    // `#[cfg(test)] mod x;` makes a test of the file that it names.
    let mut tests = BTreeSet::new();
    for file in &files {
        for after in file.text.split("#[cfg(test)]\n").skip(1) {
            let line = after.lines().next().unwrap_or_default();
            let Some(name) = line.split("mod ").nth(1).and_then(|rest| rest.strip_suffix(';')) else {
                continue;
            };
            let folder = file.path.strip_suffix("/mod.rs").or_else(|| file.path.strip_suffix(".rs"));
            tests.insert(format!("{}/{name}", folder.unwrap()));
        }
    }
    for file in &mut files {
        let module = file.path.strip_suffix("/mod.rs").or_else(|| file.path.strip_suffix(".rs")).unwrap();
        let in_tests = tests.iter().any(|test| module == test || module.starts_with(&format!("{test}/")));
        file.is_test |= in_tests;
    }
    assert!(files.len() > 40, "only {} files were found", files.len());
    files
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
}
