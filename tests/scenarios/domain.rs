//! What a domain brings to the scenarios: the words of its commands and of what comes of them, the questions that its
//! state answers, and its refusals. Each domain fills its part in a file of its own, and stands in the table of
//! `tests/scenarios.rs` with a line.

use std::collections::BTreeMap;

use ledgerd::domain::{Event, Rejection, State, Tag};
use proptest::strategy::BoxedStrategy;

/// The part of one domain.
pub(crate) trait Domain: Sync {
    /// The name of its folder in `src/domain/`.
    fn name(&self) -> &'static str;

    /// The command of a step; none if the domain has no such word, or the words after it mean nothing.
    fn command(&self, asked: &Asked) -> Option<RawCommand>;

    /// What came of a command, as a step says it after the arrow; none if the event is another domain's.
    fn outcome(&self, event: &Event) -> Option<String>;

    /// What the state answers to a question; none if the domain has no such question.
    fn answer(&self, state: &State, question: &[&str]) -> Option<String>;

    /// One of each refusal. A `match` without a wildcard stands beside them: a new refusal does not compile until it
    /// stands here, and the test fails until a scenario shows it.
    fn refusals(&self) -> Vec<Rejection>;

    /// Commands at random, good ones and bad ones, and how often they come beside those of other domains.
    fn commands(&self) -> (u32, BoxedStrategy<RawCommand>);
}

/// A command as a hostile client could write it: nothing in it is checked by its type.
#[derive(Clone, Debug)]
pub(crate) struct RawCommand {
    pub(crate) tag: Tag,
    pub(crate) body: Vec<u8>,
    /// The name of the key that is in it, where one is: that key signs it, if nothing else is said.
    pub(crate) key: Option<String>,
}

impl RawCommand {
    pub(crate) fn new(tag: Tag, body: Vec<u8>) -> RawCommand {
        RawCommand { tag, body, key: None }
    }
}

/// The words of a step: `verb [as=N] [NAME=VALUE …] WORD …`.
pub(crate) struct Asked {
    pub(crate) verb: String,
    /// The account of the session.
    pub(crate) author: u64,
    /// What stands before the other words with a name, the author and the signer aside.
    pub(crate) named: BTreeMap<String, String>,
    pub(crate) words: Vec<String>,
}

impl Asked {
    /// The verb and the words after it, where nothing stands there with a name.
    pub(crate) fn plain(&self) -> Option<(&str, Vec<&str>)> {
        let words = self.words.iter().map(String::as_str).collect();
        self.named.is_empty().then_some((self.verb.as_str(), words))
    }
}

/// `none`, or entries separated by commas, each perhaps repeated: `8192 x buy AAPL 1, sell AAPL 2`.
pub(crate) fn list<T: Clone>(words: &[&str], entry: impl Fn(&[&str]) -> Option<T>) -> Option<Vec<T>> {
    if words == ["none"] {
        return Some(Vec::new());
    }
    let mut entries = Vec::new();
    for words in words.split(|word| *word == ",") {
        let (times, words) = match words {
            [times, "x", rest @ ..] => (times.parse().ok()?, rest),
            _ => (1, words),
        };
        entries.extend(std::iter::repeat_n(entry(words)?, times));
    }
    Some(entries)
}
