//! `ledgerctl completions` and `ledgerctl man`.

use argh::ArgsInfo;
use argh_complete::Generator as _;

use super::arguments::{Arguments, Completions, Man};
use super::completion::{SHELLS, script};
use super::named_files::NewFile;
use super::{Context, man_pages};
use crate::client::ClientError;
use crate::terminal::exit::Exit;

pub(super) fn completions(context: &Context, command: &Completions) -> Result<Exit, ClientError> {
    let script = match command.shell.as_str() {
        // Its scripts describe a command instead of asking it.
        "nushell" => argh_complete::nushell::Nushell::generate("ledgerctl", &Arguments::get_args_info()),
        other => {
            let expected = || ClientError::Usage(format!("{other:?}: expected one of {}", SHELLS.join(", ")));
            script(other).ok_or_else(expected)?.to_owned()
        }
    };
    if context.out.json {
        let value = serde_json::json!({ "shell": command.shell, "script": script });
        context.out.line(&value.to_string())?;
    } else {
        context.out.line(script.trim_end())?;
    }
    Ok(Exit::Done)
}

pub(super) fn man(context: &Context, command: &Man) -> Result<Exit, ClientError> {
    let folder = &command.directory;
    let failed = |error: std::io::Error| ClientError::Usage(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let pages = man_pages::pages(&Arguments::get_args_info());
    let pages: Vec<_> = pages.into_iter().map(|(name, text)| (folder.join(name), text)).collect();
    // Whatever stands in the way is told before the first page is written.
    for (path, text) in &pages {
        NewFile::again(path, command.force)?.is_free_for(text.as_bytes())?;
    }
    for (path, text) in &pages {
        NewFile::again(path, command.force)?.write(text.as_bytes())?;
        let name = path.display().to_string();
        if context.out.json {
            context.out.line(&serde_json::json!({ "page": name }).to_string())?;
        } else {
            context.out.note(&name);
        }
    }
    Ok(Exit::Done)
}
