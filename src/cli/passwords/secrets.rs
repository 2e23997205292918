//! Passwords and recovery codes at the edge: from files for scripts, from the terminal for people. None ever stands in an
//! argument or in the environment.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::named_files::NewFile;
use crate::cli::passphrases::{ask, named};
use crate::client::{ClientError, Home, check_password};
use crate::crypto::{random, sha3};
use crate::password::RecoveryCode;
use crate::terminal::exit::Exit;

/// The password that somebody logs in with.
pub(in crate::cli) fn password(file: Option<&str>, e_mail: &str) -> Result<Zeroizing<String>, ClientError> {
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

/// The file of the home that says which recovery code a run has written where, until its outcome was told: only such a code is
/// taken again. It holds a digest.
const UNDER_WAY: &str = "recovery-out";

/// Where a new recovery code went, which nobody can show a second time.
pub(super) struct CodeKept<'a> {
    home: Home,
    /// The file that was made for it.
    made: Option<NewFile<'a>>,
}

impl<'a> CodeKept<'a> {
    /// Makes a code and hands it over before anything is sent: writes the file, or shows the code and has a group of it typed
    /// back. A file that is there already is taken only where this home knows that a run for this e-mail address has written it and
    /// was cut off. `spent` is a code that may not be taken again.
    pub(super) fn make(
        context: &Context,
        e_mail: &str,
        file: Option<&'a str>,
        spent: Option<&RecoveryCode>,
    ) -> Result<(RecoveryCode, CodeKept<'a>), ClientError> {
        let home = context.home()?;
        let code = RecoveryCode::generate(&mut random::os());
        let Some(path) = file else {
            show(context, &code)?;
            return Ok((code, CodeKept { home, made: None }));
        };
        if let Some(left) = left_in(path)? {
            if home.read(UNDER_WAY)?.as_deref() != Some(&*mark(path, e_mail, &left)) {
                return Err(ClientError::Usage(format!(
                    "{path} is there already: name a new file for the recovery code"
                )));
            }
            if spent.is_some_and(|spent| *spent == left) {
                let text = format!(
                    "{path} holds the code that is spent with this: name another file for the new one"
                );
                return Err(ClientError::Usage(text));
            }
            context
                .out
                .note(&format!("going on with the recovery code that an earlier run has written to {path}"));
            return Ok((left, CodeKept { home, made: None }));
        }
        home.write(UNDER_WAY, mark(path, e_mail, &code).as_bytes())?;
        let made = NewFile::private(Path::new(path))?;
        made.write_secret_line(&code.to_text())?;
        Ok((code, CodeKept { home, made: Some(made) }))
    }

    /// Takes the file away again where the code was not taken, so that nobody keeps a code that opens nothing.
    pub(super) fn settle<T>(&self, done: Result<T, ClientError>) -> Result<T, ClientError> {
        // Where the outcome is not known, the code may be the one that counts.
        let may_count =
            |error: &ClientError| matches!(error, ClientError::Unknown(_) | ClientError::Untold(_));
        if let (Err(error), Some(made)) = (&done, &self.made)
            && !may_count(error)
        {
            made.remove();
            self.home.remove(UNDER_WAY)?;
        }
        done
    }

    /// The outcome was told: the code is the one that counts, and no later run takes it for its own.
    pub(super) fn told(self, exit: Exit) -> Result<Exit, ClientError> {
        self.home.remove(UNDER_WAY).map(|()| exit)
    }

    /// The same of the code that an earlier run has written.
    pub(super) fn forget(context: &Context, exit: Exit) -> Result<Exit, ClientError> {
        context.home()?.remove(UNDER_WAY).map(|()| exit)
    }
}

/// Names a code in a file, for a run of this e-mail address. The code has 160 random bits, so that nobody guesses it from this.
fn mark(path: &str, e_mail: &str, code: &RecoveryCode) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let code = code.to_text();
    let parts = [path.as_os_str().as_encoded_bytes(), e_mail.as_bytes(), code.as_bytes()];
    let digests = parts.map(|part| sha3(&[part]).0);
    sha3(&[b"ledgerctl/recovery-out/1\0", &digests.concat()]).to_string()
}

/// The code in a file, if the file is there.
fn left_in(path: &str) -> Result<Option<RecoveryCode>, ClientError> {
    if !Path::new(path).exists() {
        return Ok(None);
    }
    let text = named("recovery-out", Some(path), None)?;
    let code = text.and_then(|text| RecoveryCode::parse(&text).ok());
    let other =
        || ClientError::Usage(format!("{path} is there already: name a new file for the recovery code"));
    code.map(Some).ok_or_else(other)
}

/// Shows the code to a person, once.
fn show(context: &Context, code: &RecoveryCode) -> Result<(), ClientError> {
    if !io::stdin().is_terminal() {
        return Err(ClientError::Usage(
            "there is nobody to show the recovery code to: name a file for it (--recovery-out FILE)"
                .to_owned(),
        ));
    }
    let text = code.to_text();
    context.out.note(&format!(
        "Your recovery code. Write it down now: it is never shown again.\n\n    {}\n\nWhoever has it and your e-mail address can \
         set a new password. If you lose both password and code, the account is lost: nobody can give it back to you, the \
         operator included.",
        *text
    ));
    typed_back(&text)
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
