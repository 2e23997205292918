//! Completion scripts and man pages, made from the same descriptions as `--help`.

use argh::{ArgsInfo, CommandInfoWithArgs};
use argh_complete::Generator;
use roff::{Roff, bold, italic, roman};

use super::Context;
use super::arguments::{Arguments, Completions, Man};
use super::named_files::NewFile;
use crate::cli::exit::Exit;
use crate::client::ClientError;

pub(super) fn completions(context: &Context, command: &Completions) -> Result<Exit, ClientError> {
    let info = Arguments::get_args_info();
    let script = match command.shell.as_str() {
        "bash" => argh_complete::bash::Bash::generate("ledgerctl", &info),
        "zsh" => argh_complete::zsh::Zsh::generate("ledgerctl", &info),
        "fish" => argh_complete::fish::Fish::generate("ledgerctl", &info),
        "nushell" => argh_complete::nushell::Nushell::generate("ledgerctl", &info),
        other => {
            return Err(ClientError::Usage(format!("{other:?}: expected bash, zsh, fish or nushell")));
        }
    };
    context.out.line(script.trim_end())?;
    Ok(Exit::Done)
}

pub(super) fn man(context: &Context, command: &Man) -> Result<Exit, ClientError> {
    let folder = &command.directory;
    let failed = |error: std::io::Error| ClientError::Usage(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let info = Arguments::get_args_info();
    let mut pages = vec![("ledgerctl".to_owned(), page("ledgerctl", &info))];
    for sub in &info.commands {
        let name = format!("ledgerctl-{}", sub.name);
        pages.push((name.clone(), page(&name, &sub.command)));
    }
    let pages: Vec<_> =
        pages.into_iter().map(|(name, text)| (folder.join(format!("{name}.1")), text)).collect();
    // Whatever stands in the way is told before the first page is written.
    for (path, text) in &pages {
        NewFile::again(path, command.force)?.is_free_for(text.as_bytes())?;
    }
    for (path, text) in &pages {
        NewFile::again(path, command.force)?.write(text.as_bytes())?;
        context.out.note(&path.display().to_string());
    }
    Ok(Exit::Done)
}

fn page(name: &str, info: &CommandInfoWithArgs) -> String {
    let mut page = Roff::new();
    page.control("TH", [name, "1"]);
    page.control("SH", ["NAME"]);
    let summary = info.description.lines().next().unwrap_or_default();
    page.text([roman(format!("{name} - {summary}"))]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(info.description)]);
    if !info.positionals.is_empty() {
        page.control("SH", ["ARGUMENTS"]);
        for positional in info.positionals {
            page.control("TP", []);
            page.text([italic(positional.name)]);
            page.text([roman(positional.description)]);
        }
    }
    page.control("SH", ["OPTIONS"]);
    for flag in info.flags {
        page.control("TP", []);
        page.text([bold(flag.long)]);
        page.text([roman(flag.description)]);
    }
    if !info.commands.is_empty() {
        page.control("SH", ["COMMANDS"]);
        for sub in &info.commands {
            page.control("TP", []);
            page.text([bold(sub.name)]);
            page.text([roman(sub.command.description.lines().next().unwrap_or_default())]);
        }
    }
    for example in info.examples {
        page.control("SH", ["EXAMPLE"]);
        page.text([roman(*example)]);
    }
    page.render()
}
