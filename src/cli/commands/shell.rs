//! `ledgerctl shell`: the same commands, through the same parser, over one connection.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use argh::{ArgsInfo, CommandInfoWithArgs, FromArgs};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Editor, ExternalPrinter, Helper};

use super::arguments::{Arguments, Subcommand};
use super::peer_arguments::ListenCommand;
use super::{Context, dispatch, ended, peers};
use crate::cli::arguments::try_parse;
use crate::cli::exit::Exit;
use crate::client::ClientError;

/// Where the lines of earlier sessions are kept, in the home directory.
const HISTORY: &str = "shell_history";

/// Lines kept.
const HISTORY_LINES: usize = 1_000;

/// Commands one after the other, over one connection, with completion and history.
///
/// Every command of ledgerctl, without its name; listen goes on in the background and shows what comes in. exit says
/// goodbye. Read from a file, it ends with the exit code of the last command.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "shell", example = "ledgerctl shell")]
pub struct Shell {}

type Lines = Editor<Words, DefaultHistory>;

/// Reads commands until there are none.
pub(super) fn run(mut context: Context) -> Exit {
    let done = read_lines(&mut context);
    // The session ends in good order: the server hears a goodbye.
    drop(context.session);
    let farewell = Context { session: None, ..context };
    if io::stdin().is_terminal() {
        farewell.out.note("Bye");
    }
    ended(&farewell, done)
}

fn read_lines(context: &mut Context) -> Result<Exit, ClientError> {
    let home = context.home()?;
    let unusable = |error: ReadlineError| ClientError::Unexpected(format!("the terminal: {error}"));
    let config = Config::builder()
        .max_history_size(HISTORY_LINES)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(unusable)?
        .build();
    let mut lines = Lines::with_config(config).map_err(unusable)?;
    lines.set_helper(Some(Words(Arguments::get_args_info())));
    let history = home.path(HISTORY);
    // There is none before the first session.
    drop(lines.load_history(&history));
    let mut last = Exit::Done;
    loop {
        match lines.readline("ledgerctl> ") {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                drop(lines.add_history_entry(&line));
                if ["exit", "quit"].contains(&line.trim()) {
                    break;
                }
                last = run_line(context, &mut lines, &line);
            }
            // Control-C gives up a line, control-D the session.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(unusable(error)),
        }
    }
    // Lines that are not kept cost nobody anything.
    drop(lines.save_history(&history));
    Ok(if io::stdin().is_terminal() { Exit::Done } else { last })
}

fn run_line(context: &mut Context, lines: &mut Lines, line: &str) -> Exit {
    let words = match shell_words::split(line) {
        Ok(words) => words,
        Err(error) => return ended(context, Err(ClientError::Usage(error.to_string()))),
    };
    let asks_help = words.first().is_some_and(|word| word == "help");
    let words = if asks_help { vec!["--help".to_owned()] } else { words };
    let arguments = match try_parse::<Arguments>("ledgerctl", &words) {
        Ok(arguments) => arguments,
        Err((exit, text)) => {
            context.out.note(text.trim_end());
            return exit;
        }
    };
    let names_passphrase = arguments.passphrase_file.is_some() || arguments.passphrase_fd.is_some();
    if arguments.home.is_some() || arguments.server.is_some() || names_passphrase {
        // Somebody else, or somewhere else: for this line only.
        return match Context::of(&arguments) {
            Ok(other) => ended(&other, dispatch(&other, &arguments.command)),
            Err(error) => ended(context, Err(error)),
        };
    }
    let json = context.out.json;
    context.out.json |= arguments.json;
    let exit = match &arguments.command {
        Subcommand::Listen(command) => ended(context, listen(context, lines, command)),
        command => ended(context, dispatch(context, command)),
    };
    context.out.json = json;
    exit
}

/// Listens on a thread of its own; what comes in is shown above the line that is being written.
fn listen(context: &Context, lines: &mut Lines, command: &ListenCommand) -> Result<Exit, ClientError> {
    let mut show: Box<dyn FnMut(String) + Send> = match lines.create_external_printer() {
        Ok(mut printer) => Box::new(move |text| drop(printer.print(text + "\n"))),
        // No terminal: there is no line to spare.
        Err(_) => {
            let out = context.out;
            Box::new(move |text| drop(out.line(&text)))
        }
    };
    let reactor = peers::open(context, command, None, |currency| {
        Box::new(move |news| show(peers::words(&currency, &news)))
    })?;
    let out = context.out;
    let serve = move || {
        if let Err(error) = peers::finish(reactor.run()) {
            out.complain(&error);
        }
    };
    let started = std::thread::Builder::new().name("listen".to_owned()).spawn(serve);
    started.map(|_| Exit::Done).map_err(|error| ClientError::Unexpected(format!("a thread: {error}")))
}

/// Knows every command and every option.
struct Words(CommandInfoWithArgs);

impl Words {
    /// What may stand where a word begins with `start`, after `before`.
    fn candidates(&self, before: &[&str], start: &str) -> Vec<String> {
        let mut info = &self.0;
        for word in before {
            if let Some(sub) = info.commands.iter().find(|sub| sub.name == *word) {
                info = &sub.command;
            }
        }
        let options = info.flags.iter().map(|flag| flag.long.to_owned());
        let mut candidates: Vec<String> =
            info.commands.iter().map(|sub| sub.name.to_owned()).chain(options).collect();
        if before.is_empty() {
            candidates.extend(["exit", "help"].map(str::to_owned));
        }
        candidates.retain(|candidate| candidate.starts_with(start));
        candidates.sort();
        candidates
    }
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..pos).unwrap_or_default();
        let begin = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let (before, start) = typed.split_at(begin);
        let before: Vec<&str> = before.split_whitespace().collect();
        let candidates = self.candidates(&before, start).into_iter();
        let pair = |word: String| Pair { display: word.clone(), replacement: format!("{word} ") };
        Ok((begin, candidates.map(pair).collect()))
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Borrowed(prompt)
    }
}

impl Validator for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_options_complete_where_they_belong() {
        let words = Words(Arguments::get_args_info());
        assert_eq!(words.candidates(&[], "rev"), ["revoke", "revoke-order"]);
        assert_eq!(words.candidates(&[], "exi"), ["exit"]);
        assert_eq!(words.candidates(&["send"], "--m"), ["--memo"]);
        assert_eq!(words.candidates(&["checkpoint"], "s"), ["save"]);
        assert!(words.candidates(&["send"], "reg").is_empty());
    }
}
