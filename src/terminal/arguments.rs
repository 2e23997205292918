//! A thin layer over argh: options in any place, `--name=value` as well as `--name value`, exit code 2 for mistakes,
//! and the word that was probably meant.

use std::ffi::OsString;

use argh::{ArgsInfo, FromArgs};

use super::words::{Unknown, arrange};
use crate::text::escape;

/// Why there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Help was asked for.
    Help {
        /// Of which command; of the whole program when it is empty.
        command: Vec<String>,
        /// The help.
        text: String,
    },
    /// The version was asked for.
    Version,
    /// Something is wrong: what, in a line or more.
    Mistake(String),
}

/// The arguments of this process, without the program's name.
///
/// # Errors
/// A sentence about the first that is not UTF-8: a path made readable would be another path.
pub fn words_of(arguments: impl Iterator<Item = OsString>) -> Result<Vec<String>, String> {
    let word = |argument: OsString| {
        argument.into_string().map_err(|argument| format!("{argument:?}: arguments have to be UTF-8"))
    };
    arguments.skip(1).map(word).collect()
}

/// A whole number between two bounds, for `from_str_fn`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn number_in(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

/// Parses arguments, the program's name not among them.
///
/// # Errors
/// What there is to say instead of running anything.
pub fn try_parse<T: FromArgs + ArgsInfo>(program: &str, raw: &[String]) -> Result<T, Stopped> {
    let arranged = arrange(&T::get_args_info(), raw).map_err(Stopped::Mistake)?;
    let mut words: Vec<&str> = arranged.words.iter().map(String::as_str).collect();
    if arranged.help {
        words = arranged.command.iter().map(String::as_str).chain(["--help"]).collect();
    } else if arranged.version {
        return Err(Stopped::Version);
    }
    T::from_args(&[program], &words).map_err(|early| match early.status {
        Ok(()) => Stopped::Help { command: arranged.command, text: ensure_newline(early.output) },
        Err(()) => {
            let hint = arranged.unknown.and_then(suggestion);
            let hint = hint.map_or(String::new(), |word| format!("Did you mean {word}?\n"));
            let text = escape_lines(&ensure_newline(early.output));
            Stopped::Mistake(format!("{text}{hint}Run {program} --help for more."))
        }
    })
}

fn ensure_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn escape_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", escape(line))).collect()
}

/// The known word closest to an unknown one, if it is close.
fn suggestion(unknown: Unknown) -> Option<String> {
    let likeness = |name: String| (strsim::jaro_winkler(&name, &unknown.word), name);
    let closest = unknown.known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (closest.0 > 0.8).then_some(closest.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test.
    #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
    struct Sample {
        /// a number
        #[argh(option)]
        limit: Option<u64>,
        /// words
        #[argh(positional)]
        words: Vec<String>,
    }

    fn sample(words: &[&str]) -> Result<Sample, Stopped> {
        let raw: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        try_parse("sample", &raw)
    }

    fn mistake(words: &[&str]) -> String {
        match sample(words) {
            Err(Stopped::Mistake(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_value_may_follow_its_name_or_be_joined_to_it() {
        let expected = Sample { limit: Some(5), words: vec!["a=b".into()] };
        assert_eq!(sample(&["--limit", "5", "a=b"]), Ok(Sample { ..expected }));
        assert_eq!(sample(&["--limit=5"]).unwrap().limit, Some(5));
        assert_eq!(sample(&["--", "--limit=5"]).unwrap().words, ["--limit=5"]);
        assert_eq!(sample(&["a", "-1", "--limit=5"]).unwrap().words, ["a", "-1"]);
        assert!(sample(&["--limit", "-5"]).is_err(), "a value that is no such number");
        assert_eq!(sample(&["-", "--limit=5"]), Ok(Sample { limit: Some(5), words: vec!["-".into()] }));
    }

    #[test]
    fn help_is_no_mistake_and_a_mistake_names_what_was_meant() {
        assert!(matches!(sample(&["--help"]), Err(Stopped::Help { .. })));
        assert!(matches!(sample(&["-h"]), Err(Stopped::Help { .. })));
        assert_eq!(sample(&["-V"]), Err(Stopped::Version));
        assert!(mistake(&["--limt", "5"]).contains("Did you mean --limit?"));
        assert!(!mistake(&["--\u{1b}[31m"]).contains('\u{1b}'));
    }

    #[test]
    fn a_value_that_is_wrong_is_not_taken_for_a_word_that_is_misspelt() {
        assert!(!mistake(&["--limit", "limit"]).contains("Did you mean"));
        assert!(!mistake(&["--limit"]).contains("Did you mean"));
    }

    #[test]
    fn an_argument_that_is_not_utf_8_is_named_and_escaped() {
        use std::os::unix::ffi::OsStringExt as _;
        let arguments = ["ledgerctl".into(), OsString::from_vec(b"x\xff.json".to_vec())];
        let said = words_of(arguments.into_iter()).unwrap_err();
        assert_eq!(said, r#""x\xFF.json": arguments have to be UTF-8"#);
    }
}
