//! Recorded log directories under `fixtures/logs/`: how they are read, damaged and written out. What the files
//! mean is said in `fixtures/logs/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A directory as its files: path relative to it → bytes.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where the cases are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs")
}

/// The names of all cases, in order.
pub(crate) fn cases() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// A case's files at their full sizes: a recorded directory, or another case with its damage done to it.
pub(crate) fn load(case: &str) -> Files {
    let folder = root().join(case);
    let Ok(manifest) = fs::read_to_string(folder.join("manifest.txt")) else {
        return damaged(&folder);
    };
    let mut files = Files::new();
    for line in lines(&manifest) {
        let [size, path] = words(line);
        let mut bytes = fs::read(folder.join("files").join(path)).unwrap();
        bytes.resize(size.parse().unwrap(), 0);
        files.insert(path.to_owned(), bytes);
    }
    files
}

/// Stores a directory without the zeros that its files end in.
pub(crate) fn store(case: &str, files: &Files) {
    let folder = root().join(case);
    if folder.join("files").exists() {
        fs::remove_dir_all(folder.join("files")).unwrap();
    }
    let mut manifest =
        String::from("# size in bytes, path; files/ holds each without the zeros at its end\n");
    for (path, bytes) in files {
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let to = folder.join("files").join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, &bytes[..end]).unwrap();
        manifest += &format!("{} {path}\n", bytes.len());
    }
    fs::write(folder.join("manifest.txt"), manifest).unwrap();
}

/// `damage.txt`: the first line names the case to start from, every other line is one thing done to it.
fn damaged(folder: &Path) -> Files {
    let recipe = fs::read_to_string(folder.join("damage.txt")).unwrap();
    let mut lines = lines(&recipe);
    let ["from", base] = words(lines.next().unwrap()) else { panic!("{folder:?}: no `from` line") };
    let mut files = load(base);
    for line in lines {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["flip", path, offset, mask] => {
                let offset: usize = offset.parse().unwrap();
                files.get_mut(path).unwrap()[offset] ^= u8::from_str_radix(mask, 16).unwrap();
            }
            ["zero", path, offset, count] => {
                let (offset, count): (usize, usize) = (offset.parse().unwrap(), count.parse().unwrap());
                files.get_mut(path).unwrap()[offset..offset + count].fill(0);
            }
            ["remove", path] => _ = files.remove(path).unwrap(),
            ["swap", one, other] => {
                let (a, b) = (files.remove(one).unwrap(), files.remove(other).unwrap());
                files.insert(one.to_owned(), b);
                files.insert(other.to_owned(), a);
            }
            ["replace", path, from] => {
                let mut bytes = fs::read(folder.join(from)).unwrap();
                bytes.resize(files[path].len(), 0);
                files.insert(path.to_owned(), bytes);
            }
            _ => panic!("{folder:?}: unknown damage: {line}"),
        }
    }
    files
}

/// The lines of a fixture that are not empty and no comment.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn words<const N: usize>(line: &str) -> [&str; N] {
    line.split_whitespace().collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("{line}"))
}

/// Writes a directory out.
pub(crate) fn write_to(directory: &Path, files: &Files) {
    for (path, bytes) in files {
        let to = directory.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
}

/// Reads a directory back.
pub(crate) fn read_from(directory: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![directory.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}
