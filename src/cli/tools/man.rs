//! `ledgerctl man`: the man pages of both programs.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::man_pages;
use crate::cli::Arguments;
use crate::cli::context::Context;
use crate::cli::named_files::NewFile;
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::terminal::exit::Exit;

/// Write the man pages of ledgerctl and ledgerd into a directory.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "man", example = "ledgerctl man /usr/local/share/man/man1")]
pub struct Man {
    /// where the pages go
    #[argh(positional)]
    pub directory: PathBuf,

    /// replace what is there
    #[argh(switch)]
    pub force: bool,
}

impl Run for Man {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let folder = &self.directory;
        let failed = |error: std::io::Error| ClientError::Usage(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let pages = man_pages::pages(&Arguments::get_args_info());
        let pages: Vec<_> = pages.into_iter().map(|(name, text)| (folder.join(name), text)).collect();
        // Whatever stands in the way is told before the first page is written.
        for (path, text) in &pages {
            NewFile::again(path, self.force)?.is_free_for(text.as_bytes())?;
        }
        for (path, text) in &pages {
            NewFile::again(path, self.force)?.write(text.as_bytes())?;
            let name = path.display().to_string();
            if context.out.json {
                context.out.line(&serde_json::json!({ "page": name }).to_string())?;
            } else {
                context.out.note(&name);
            }
        }
        Ok(Exit::Done)
    }
}
