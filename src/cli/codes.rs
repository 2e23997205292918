//! Where codes of a second factor come from: the command line, or the terminal. A code is worth nothing after its use, so that
//! the one of the command line is given once.

use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::Arguments;
use super::passphrases::ask;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct CodeSource {
    /// What the command line named, until it was given.
    named: Arc<Mutex<Option<Zeroizing<String>>>>,
}

impl CodeSource {
    /// With the code that the command line names, if it names one.
    pub(super) fn of(arguments: &Arguments) -> CodeSource {
        let named = arguments.code.clone().map(Zeroizing::new);
        CodeSource { named: Arc::new(Mutex::new(named)) }
    }

    /// The next code; none if nobody is there to ask.
    pub(super) fn next(&self, words: &str) -> Option<Zeroizing<String>> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner).take();
        named.or_else(|| ask(words))
    }
}
