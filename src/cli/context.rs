//! What every command of `ledgerctl` gets beside its arguments: where things are, and where its words go.

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Arguments;
use super::codes::CodeSource;
use super::outlet::Outlet;
use super::passphrases::Passphrases;
use crate::client::{Addresses, ClientError, Home, Member, first_encrypted_key, load_key_file};

/// The session that the commands of a shell share.
pub(super) type SharedSession = Rc<RefCell<Option<Member>>>;

/// See the module.
#[derive(Clone)]
pub(super) struct Context {
    /// The home directory, if one was named.
    home: Option<PathBuf>,
    /// The addresses of the server, as they were given.
    server: String,
    /// Where the command's words go.
    pub(super) out: Outlet,
    /// The home, once it was opened.
    opened: OnceCell<Home>,
    /// Where the passphrase of the key comes from.
    passphrases: Passphrases,
    /// Where codes of a second factor come from.
    codes: CodeSource,
    /// Where a shell keeps its session between commands; none outside of a shell.
    pub(super) session: Option<SharedSession>,
}

impl Context {
    /// The context that these arguments and the environment name.
    pub(super) fn of(arguments: &Arguments) -> Result<Context, ClientError> {
        // An empty variable is one that is not set.
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = arguments.home.clone().or_else(|| variable("LEDGERCTL_HOME").map(Into::into));
        let server = arguments.server.clone();
        let server = server
            .or_else(|| variable("LEDGERCTL_SERVER").map(|server| server.to_string_lossy().into_owned()));
        Ok(Context {
            home,
            server: server.unwrap_or_else(|| "127.0.0.1:7878".to_owned()),
            out: Outlet::new(arguments.json),
            opened: OnceCell::new(),
            passphrases: Passphrases::of(arguments)?,
            codes: CodeSource::of(arguments),
            session: None,
        })
    }

    /// The same for the commands of a shell, which share a session.
    pub(super) fn sharing_a_session(&self) -> Context {
        Context { session: Some(SharedSession::default()), ..self.clone() }
    }

    /// The same with words that go elsewhere.
    pub(super) fn telling(self, out: Outlet) -> Context {
        Context { out, ..self }
    }

    /// The home directory, opened at the first call.
    pub(super) fn home(&self) -> Result<Home, ClientError> {
        if let Some(home) = self.opened.get() {
            return Ok(home.clone());
        }
        let out = self.out;
        let codes = self.codes.clone();
        let home = Home::open(self.home.as_deref())?.telling(Arc::new(move |text| out.note(text)));
        let home = home.asking_codes(Arc::new(move |words| codes.next(words)));
        Ok(self.opened.get_or_init(|| home).clone())
    }

    /// The addresses of the server, in the order in which they are tried.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when they are none.
    pub(super) fn server(&self) -> Result<Addresses, ClientError> {
        self.server.parse()
    }

    /// The home directory, if there is one already: for a command that only looks.
    pub(super) fn existing_home(&self) -> Option<Home> {
        Home::existing(self.home.as_deref())
    }

    /// The passphrase of the key that is there, for whoever has to open it.
    pub(super) fn passphrase(&self) -> impl FnMut(&str) -> Option<Zeroizing<String>> + use<'_> {
        |prompt| self.passphrases.of_key(prompt)
    }

    /// The next code of the second factor; none if nobody is there to ask.
    pub(super) fn code(&self, words: &str) -> Option<Zeroizing<String>> {
        self.codes.next(words)
    }

    /// The passphrase of the key that is there, if nobody has to be asked for it.
    pub(super) fn unprompted_passphrase(&self) -> Option<Zeroizing<String>> {
        self.passphrases.unprompted()
    }

    /// The passphrase of a further key of a home: the one that its other keys have, or that was named.
    pub(super) fn passphrase_of_further_key(
        &self,
        home: &Home,
    ) -> Result<Option<Zeroizing<String>>, ClientError> {
        let Some(file) = first_encrypted_key(home)? else { return self.passphrases.of_new_key(false) };
        let prompt = format!("Passphrase of {}, for the new key as well: ", home.path(&file).display());
        let passphrase = self.passphrases.of_key(&prompt);
        // One that was mistyped would lock the new key up.
        load_key_file(home, &file, &mut |_| passphrase.clone())?;
        Ok(passphrase)
    }

    /// The passphrase of a key that is made now; none if nobody wants one.
    pub(super) fn passphrase_of_new_key(
        &self,
        wanted: bool,
    ) -> Result<Option<Zeroizing<String>>, ClientError> {
        self.passphrases.of_new_key(wanted)
    }
}
