//! A thin layer over argh: `--name=value` as well as `--name value`, help to stdout with exit 0, mistakes to
//! stderr with exit 2 and the word that was probably meant.

use std::io::{self, Write};

use argh::{ArgsInfo, CommandInfoWithArgs, FromArgs};

use super::exit::Exit;
use super::text::escape;

/// Parses arguments, the program's name not among them. When there is nothing to run, because help was asked
/// for or something is wrong, what there is to say was said.
///
/// # Errors
/// The exit code to end with.
pub fn parse<T: FromArgs + ArgsInfo>(program: &str, raw: &[String]) -> Result<T, Exit> {
    match try_parse(program, raw) {
        Ok(arguments) => Ok(arguments),
        Err((Exit::Done, text)) => {
            drop(io::stdout().lock().write_all(text.as_bytes()));
            Err(Exit::Done)
        }
        Err((exit, text)) => {
            drop(io::stderr().lock().write_all(text.as_bytes()));
            Err(exit)
        }
    }
}

/// The same without printing: what a prompt needs.
///
/// # Errors
/// The exit code, and the text that goes with it.
pub fn try_parse<T: FromArgs + ArgsInfo>(program: &str, raw: &[String]) -> Result<T, (Exit, String)> {
    let split = split_values(raw);
    let words: Vec<&str> = split.iter().map(String::as_str).collect();
    T::from_args(&[program], &words).map_err(|early| match early.status {
        Ok(()) => (Exit::Done, ensure_newline(early.output)),
        Err(()) => {
            let hint = suggestion(&T::get_args_info(), &words)
                .map_or(String::new(), |word| format!("Did you mean {word}?\n"));
            let text = escape_lines(&ensure_newline(early.output));
            (Exit::Usage, format!("{text}{hint}Run {program} --help for more.\n"))
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

/// `--name=value` becomes two words, up to a bare `--`. A bare `-` and a negative number, which argh takes for
/// options, are put behind a `--` at the end, unless they may be an option's value.
fn split_values(raw: &[String]) -> Vec<String> {
    let mut words = Vec::with_capacity(raw.len());
    let mut options = true;
    let mut behind = Vec::new();
    let mut after_option = false;
    for word in raw {
        options &= word != "--";
        match word.split_once('=') {
            _ if options && (word == "-" || (is_negative(word) && !after_option)) => {
                behind.push(word.clone());
            }
            Some((name, value)) if options && name.starts_with("--") && name.len() > 2 => {
                words.push(name.to_owned());
                words.push(value.to_owned());
            }
            _ => words.push(word.clone()),
        }
        after_option = word.starts_with("--") && !word.contains('=');
    }
    if !behind.is_empty() {
        if options {
            words.push("--".to_owned());
        }
        words.append(&mut behind);
    }
    words
}

fn is_negative(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The known word closest to an unknown one, if it is close. Values are unknown words too, but are not close.
fn suggestion(info: &CommandInfoWithArgs, words: &[&str]) -> Option<String> {
    let mut known: Vec<String> = Vec::new();
    collect(info, &mut known);
    let unknown = words.iter().filter(|word| !known.iter().any(|name| name == *word));
    let closest = unknown
        .flat_map(|word| known.iter().map(move |name| (strsim::jaro_winkler(name, word), name)))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (closest.0 > 0.8).then(|| closest.1.clone())
}

fn collect(info: &CommandInfoWithArgs, known: &mut Vec<String>) {
    known.extend(info.flags.iter().map(|flag| flag.long.to_owned()));
    for command in &info.commands {
        known.push(command.name.to_owned());
        collect(&command.command, known);
    }
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

    fn sample(words: &[&str]) -> Result<Sample, (Exit, String)> {
        let raw: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        try_parse("sample", &raw)
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
        assert_eq!(sample(&["--help"]).unwrap_err().0, Exit::Done);
        let (exit, text) = sample(&["--limt", "5"]).unwrap_err();
        assert_eq!(exit, Exit::Usage);
        assert!(text.contains("--limit"), "{text}");
        assert!(!sample(&["--\u{1b}[31m"]).unwrap_err().1.contains('\u{1b}'));
    }
}
