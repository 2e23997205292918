//! Reads the language of the scenarios. Strict: a line that means nothing is a mistake in the fixture, and the
//! panic names file and line.

use std::collections::BTreeMap;

use ledgerd::domain::payments::Currency;

use super::DOMAINS;
use super::domain::{Asked, RawCommand};

/// One story.
pub(super) struct Scenario {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// One line of a story.
pub(super) struct Line {
    /// File and line.
    pub(super) place: String,
    /// Whether it only sets the stage: such a step must succeed.
    pub(super) is_given: bool,
    pub(super) step: Step,
}

pub(super) enum Step {
    Ask {
        command: RawCommand,
        author: u64,
        signer: String,
        expected: Expected,
    },
    Check(Check),
    /// The server's clock shows a time so many microseconds after the start of the story.
    Clock(u64),
    Found {
        opening_grant: u64,
        operator: Option<String>,
        currency: Currency,
    },
}

/// What must be so.
pub(super) struct Check {
    pub(super) question: String,
    pub(super) answer: String,
}

#[derive(Debug)]
pub(super) enum Expected {
    /// It is accepted, and its domain says this of what came of it.
    Accepted(String),
    Refused {
        name: String,
        sentence: Option<String>,
    },
    Undecodable,
}

impl Step {
    fn ask(text: &str) -> Option<Step> {
        let (asked, expected) = text.split_once(" -> ")?;
        let (verb, arguments) = asked.split_once(' ')?;
        let mut asked = Asked {
            verb: verb.to_owned(),
            author: 0,
            named: BTreeMap::new(),
            words: words(arguments.trim()),
        };
        let mut signer = None;
        while let Some((name, value)) = asked.words.first().and_then(|word| word.split_once('=')) {
            let (name, value) = (name.to_owned(), value.to_owned());
            match name.as_str() {
                "as" => asked.author = value.parse().ok()?,
                "signed-by" => signer = Some(value),
                _ => drop(asked.named.insert(name, value)),
            }
            asked.words.remove(0);
        }
        let command = DOMAINS.iter().find_map(|domain| domain.command(&asked))?;
        // By custom the keys of accounts carry their numbers.
        let signer = signer.or(command.key.clone()).unwrap_or_else(|| asked.author.to_string());
        let expected = Expected::read(expected.trim());
        Some(Step::Ask { command, author: asked.author, signer, expected })
    }

    /// `opening-grant=N [operator=KEY]`
    fn found(text: &str) -> Option<Step> {
        let (mut opening_grant, mut operator) = (0, None);
        let mut currency = Currency::default();
        for word in text.split_whitespace() {
            match word.split_once('=')? {
                ("opening-grant", value) => opening_grant = value.parse().ok()?,
                ("operator", key) => operator = Some(key.to_owned()),
                ("currency", name) => currency.name = Currency::checked_name(name)?,
                ("scale", scale) => currency.scale = Currency::checked_scale(scale.parse().ok()?)?,
                _ => return None,
            }
        }
        Some(Step::Found { opening_grant, operator, currency })
    }

    fn check(text: &str) -> Option<Step> {
        let (question, answer) = text.split_once(" = ")?;
        Some(Step::Check(Check { question: question.to_owned(), answer: answer.trim().to_owned() }))
    }
}

impl Expected {
    fn read(text: &str) -> Expected {
        match text.split_once(' ') {
            None if text == "undecodable" => Expected::Undecodable,
            Some(("refused", reason)) => match reason.split_once(": ") {
                Some((name, sentence)) => {
                    Expected::Refused { name: name.to_owned(), sentence: Some(sentence.to_owned()) }
                }
                None => Expected::Refused { name: reason.to_owned(), sentence: None },
            },
            _ => Expected::Accepted(text.to_owned()),
        }
    }
}

/// Takes a file apart.
pub(super) fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        if word == "scenario" {
            scenarios.push(Scenario { title: rest.to_owned(), lines: Vec::new() });
            continue;
        }
        let step = match word {
            "ledger" => Step::found(rest),
            "given" | "when" => Step::ask(rest),
            "then" => Step::check(rest),
            "clock" => rest.parse().ok().map(Step::Clock),
            _ => None,
        };
        let step = step.unwrap_or_else(|| panic!("{place}: no such step: {line}"));
        let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("{place}: a step outside a scenario"));
        scenario.lines.push(Line { place, is_given: word == "given", step });
    }
    for scenario in &scenarios {
        let asks = scenario.lines.iter().any(|line| !line.is_given && matches!(line.step, Step::Ask { .. }));
        assert!(asks, "{file}: nothing happens in {:?}", scenario.title);
    }
    scenarios
}

/// Words between blanks, and every comma; what stands between single quotes is one word, without the quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut started, mut quoted) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '\'' => (quoted, started) = (!quoted, true),
            ' ' | ',' if !quoted => {
                if std::mem::take(&mut started) {
                    words.push(std::mem::take(&mut word));
                }
                if c == ',' {
                    words.push(",".to_owned());
                }
            }
            _ => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}
