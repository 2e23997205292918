//! Passwords and recovery codes at the edge: from files for scripts, from the terminal for people. None ever stands in an
//! argument or in the environment.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::named_files::{remove_secret, write_secret};
use crate::cli::passphrases::{ask, named};
use crate::client::{ClientError, check_password};
use crate::password::RecoveryCode;

/// The password that somebody logs in with.
pub(super) fn password(file: Option<&str>, e_mail: &str) -> Result<Zeroizing<String>, ClientError> {
    if let Some(password) = named("password", file, None)? {
        return Ok(password);
    }
    ask(&format!("Password of {e_mail}: ")).ok_or_else(|| nobody("password", "--password-file"))
}

/// A new password, checked: from a file, or asked for twice.
pub(super) fn new_password(
    option: &str,
    file: Option<&str>,
    e_mail: &str,
) -> Result<Zeroizing<String>, ClientError> {
    if let Some(password) = named(option, file, None)? {
        check_password(&password, e_mail)?;
        return Ok(password);
    }
    let nobody = || nobody("new password", &format!("--{option}-file"));
    let first = ask("New password: ").ok_or_else(nobody)?;
    check_password(&first, e_mail)?;
    if *first != *ask("The same again: ").ok_or_else(nobody)? {
        return Err(ClientError::Usage("the two passwords differ".to_owned()));
    }
    Ok(first)
}

fn nobody(what: &str, option: &str) -> ClientError {
    ClientError::Usage(format!(
        "there is nobody to ask for the {what}: name a file that holds it ({option} FILE)"
    ))
}

/// The recovery code that somebody has kept.
pub(super) fn recovery_code(file: Option<&str>) -> Result<RecoveryCode, ClientError> {
    let text = match named("recovery", file, None)? {
        Some(text) => text,
        None => ask("Recovery code: ").ok_or_else(|| nobody("recovery code", "--recovery-file"))?,
    };
    RecoveryCode::parse(&text).map_err(|error| ClientError::Usage(error.to_string()))
}

/// Where a new recovery code goes, which nobody can show a second time.
pub(super) struct CodeKept<'a> {
    file: Option<&'a str>,
}

impl<'a> CodeKept<'a> {
    /// Hands the code over before anything is sent: writes the file, or shows the code and has a group of it typed back.
    pub(super) fn hand_over(
        context: &Context,
        code: &RecoveryCode,
        file: Option<&'a str>,
    ) -> Result<CodeKept<'a>, ClientError> {
        let text = code.to_text();
        if let Some(path) = file {
            write_secret(path, format!("{}\n", *text).as_bytes())?;
            return Ok(CodeKept { file });
        }
        if !io::stdin().is_terminal() {
            return Err(ClientError::Usage(
                "there is nobody to show the recovery code to: name a file for it (--recovery-out FILE)"
                    .to_owned(),
            ));
        }
        context.out.note(&format!(
            "Your recovery code. Write it down now: it is never shown again.\n\n    {}\n\nWhoever has it and your e-mail \
             address can set a new password. If you lose both password and code, the account is lost: nobody can give it \
             back to you, the operator included.",
            *text
        ));
        typed_back(&text)?;
        Ok(CodeKept { file: None })
    }

    /// Takes the file away again where the code was not taken, so that nobody keeps a code that opens nothing.
    pub(super) fn settle<T>(self, done: Result<T, ClientError>) -> Result<T, ClientError> {
        // Where the outcome is not known, the code may be the one that counts.
        let may_count =
            |error: &ClientError| matches!(error, ClientError::Unknown(_) | ClientError::Untold(_));
        if let (Err(error), Some(path)) = (&done, self.file)
            && !may_count(error)
        {
            remove_secret(path);
        }
        done
    }
}

/// Has the last group of the code typed, which shows that it was read.
fn typed_back(text: &str) -> Result<(), ClientError> {
    let group = text.rsplit('-').next().unwrap_or_default();
    let failed = |error: io::Error| ClientError::Unexpected(error.to_string());
    let mut err = io::stderr().lock();
    for _ in 0..3 {
        write!(err, "Type its last group of four: ").and_then(|()| err.flush()).map_err(failed)?;
        let mut line = Zeroizing::new(String::new());
        if io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
            break;
        }
        if line.trim().eq_ignore_ascii_case(group) {
            return Ok(());
        }
    }
    Err(ClientError::Usage("the recovery code was not typed back; nothing was sent".to_owned()))
}
