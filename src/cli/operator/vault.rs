//! `ledgerctl vault`: backups of the secrets that lie beside a log, and the way back.

use std::io::BufReader;
use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::named_files::{NewFile, open_source, read_handed_on};
use crate::cli::offline::of_daemon;
use crate::cli::passphrases::ask;
use crate::cli::run::Run;
use crate::client::{ClientError, clock};
use crate::crypto::random;
use crate::daemon::{BackedUp, RestoreOptions, back_up_vault, restore_vault};
use crate::terminal::exit::Exit;
use crate::vault::BackupKey;

/// The vault of a ledger, while ledgerd is stopped: make a backup of it, or put one back.
///
/// The vault holds the secrets that sealed texts need, and is in no copy of the log.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "vault",
    example = "ledgerctl vault backup /var/lib/ledgerd monday.vault\nledgerctl vault restore /var/lib/ledgerd monday.vault"
)]
pub struct Vault {
    /// what to do
    #[argh(subcommand)]
    pub action: VaultAction,
}

/// What to do with the vault.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum VaultAction {
    /// See [`BackUp`].
    Backup(BackUp),
    /// See [`Restore`].
    Restore(Restore),
}

/// Write every secret of the vault into a file, under a key that is shown once.
///
/// Without that key the file is worth nothing; with it, it is everything: keep the two apart.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "backup", example = "ledgerctl vault backup /var/lib/ledgerd monday.vault")]
pub struct BackUp {
    /// the ledger's directory
    #[argh(positional)]
    pub directory: PathBuf,

    /// the file to write, which must not be there
    #[argh(positional)]
    pub file: PathBuf,

    /// write the key into this file, for its owner alone, and do not show it
    #[argh(option)]
    pub key_out: Option<PathBuf>,
}

/// Put a backup in the place of a vault that was lost. What the log has erased since stays erased.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "restore", example = "ledgerctl vault restore /var/lib/ledgerd monday.vault")]
pub struct Restore {
    /// the ledger's directory
    #[argh(positional)]
    pub directory: PathBuf,

    /// the backup
    #[argh(positional)]
    pub file: PathBuf,

    /// file with the key of the backup, - for standard input; asked for if not given
    #[argh(option)]
    pub key_file: Option<PathBuf>,

    /// put the backup in the place of a vault that is there: what is not in the backup is lost
    #[argh(switch)]
    pub replace: bool,

    /// take a backup that is older than vault_backup_days
    #[argh(switch)]
    pub force: bool,

    /// the configuration that ledgerd is started with (default: ledgerd.toml in the ledger's directory)
    #[argh(option)]
    pub config: Option<PathBuf>,
}

impl Run for Vault {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.action {
            VaultAction::Backup(backup) => backup.run(context),
            VaultAction::Restore(restore) => restore.run(context),
        }
    }
}

impl BackUp {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let file = NewFile::private(&self.file)?;
        let key_out = self.key_out.as_deref().map(NewFile::private).transpose()?;
        let key = BackupKey::generate(&mut random::os());
        let text = key.to_text();
        let done = file.write_private(|to| {
            back_up_vault(&self.directory, &key, clock::now().wall, to).map_err(of_daemon)
        })?;
        // A backup whose key nobody has is worth nothing, and must not be taken for one.
        let shown = match key_out {
            Some(out) => out.write_secret_line(&text).and_then(|()| self.tell(context, &done, None)),
            None => self.tell(context, &done, Some(&text)),
        };
        if let Err(error) = shown {
            file.remove();
            return Err(error);
        }
        Ok(Exit::Done)
    }

    /// Tells what was done, and the key if it is to be shown.
    fn tell(&self, context: &Context, done: &BackedUp, key: Option<&str>) -> Result<(), ClientError> {
        let name = self.file.display();
        let note = |text: &str| context.out.note(text);
        let BackedUp { head, left_out, missing, missing_passwords, missing_factors } = done;
        note(&format!("{name}: {} secrets, at block {}", head.entries, head.position.durable));
        if *left_out > 0 {
            note(&format!("{left_out} secrets that the log does not need any more are not in it"));
        }
        if *missing > 0 {
            note(&format!("warning: the keys of {missing} scopes are not in the vault, nor in the backup"));
        }
        if *missing_passwords > 0 {
            note(&format!(
                "warning: the passwords of {missing_passwords} members are not in the vault, nor in the backup"
            ));
        }
        if *missing_factors > 0 {
            note(&format!(
                "warning: the second factors of {missing_factors} members are not in the vault, nor in the backup"
            ));
        }
        note("neither the log nor keys/ is in it: they are backups of their own");
        if context.out.json {
            let mut value = summary(done);
            if let Some(object) = value.as_object_mut() {
                object.insert("key".to_owned(), json!(key));
            }
            return context.out.tell(&value.to_string());
        }
        let Some(key) = key else { return Ok(()) };
        note("the key of the backup, which is shown this once; keep it apart from the file:");
        context.out.tell(key)
    }
}

impl Restore {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut source = BufReader::new(open_source(&self.file)?);
        let key = self.key()?;
        let options =
            RestoreOptions { replace: self.replace, any_age: self.force, config: self.config.clone() };
        let with = (clock::now().wall, &mut random::os() as &mut dyn rand_core::CryptoRng);
        let done = restore_vault(&self.directory, &key, &options, with, &mut source).map_err(of_daemon)?;
        let BackedUp { head, left_out, missing, missing_passwords, missing_factors } = &done;
        let note = |text: &str| context.out.note(text);
        let (put, made_at) = (head.entries - left_out, head.made_at);
        note(&format!("{put} secrets are in the vault again, of the backup that was made at {made_at}"));
        if *left_out > 0 {
            note(&format!("{left_out} secrets were erased since and stay erased"));
        }
        if *missing > 0 {
            note(&format!(
                "warning: the keys of {missing} scopes are not in the backup; their texts cannot be read"
            ));
        }
        if *missing_passwords > 0 {
            note(&format!(
                "warning: the passwords of {missing_passwords} members are not in the backup; they cannot log in"
            ));
        }
        if *missing_factors > 0 {
            note(&format!(
                "warning: the second factors of {missing_factors} members are not in the backup; an operator ends them with \
                 `second-factor reset`"
            ));
        }
        if context.out.json {
            context.out.tell(&summary(&done).to_string())?;
        }
        Ok(Exit::Done)
    }

    /// The key of the backup, which never stands in an argument.
    fn key(&self) -> Result<BackupKey, ClientError> {
        let text = match &self.key_file {
            Some(file) => Zeroizing::new(read_handed_on(file)?),
            None => ask("Key of the backup: ").ok_or_else(|| {
                ClientError::Usage(
                    "there is nobody to ask for the key of the backup: --key-file names a file that holds it"
                        .to_owned(),
                )
            })?,
        };
        BackupKey::parse(&text).map_err(|error| ClientError::Usage(format!("the key of the backup: {error}")))
    }
}

fn summary(
    BackedUp { head, left_out, missing, missing_passwords, missing_factors }: &BackedUp,
) -> serde_json::Value {
    json!({
        "entries": head.entries,
        "left_out": left_out,
        "missing": missing,
        "missing_passwords": missing_passwords,
        "missing_factors": missing_factors,
        "blocks": head.position.durable,
        "generation": head.generation,
        "made_at": head.made_at.to_string(),
    })
}
