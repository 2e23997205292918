//! `ledgerctl shell`: the same commands, through the same parser, over one connection.

mod script;

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use argh::{ArgsInfo, FromArgs};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Editor, ExternalPrinter, Helper};

use super::next_word::{Next, next};
use crate::cli::context::{Context, SharedSession};
use crate::cli::outlet::Outlet;
use crate::cli::peers::listen;
use crate::cli::run::Run;
use crate::cli::{Arguments, Subcommand, asks_json, dispatch, ended, say_stopped};
use crate::client::{ClientError, Reopen as _, fetch_online};
use crate::terminal::arguments::try_parse;
use crate::terminal::exit::Exit;

/// Where the lines of earlier sessions are kept, in the home directory.
const HISTORY: &str = "shell_history";

/// Lines kept.
const HISTORY_LINES: usize = 1_000;

/// Commands one after the other, over one connection, with completion and history.
///
/// Every command of ledgerctl, without its name; listen goes on in the background and shows what comes in. exit says
/// goodbye. From a file or a pipe it reads commands like a script: # begins a comment, a line that cannot be read is told
/// by its number and the next one is run, and the exit code is that of the last command.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "shell", example = "ledgerctl shell\nledgerctl shell --stop-on-error < payday.txt")]
pub struct Shell {
    /// end at the first command of a script that fails, with its exit code
    #[argh(switch)]
    pub stop_on_error: bool,
}

type Lines = Editor<Words, DefaultHistory>;

impl Run for Shell {
    const REMEMBERS: bool = false;

    /// Reads commands until there are none.
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        if context.session.is_some() {
            return Err(ClientError::Usage("this is the shell".to_owned()));
        }
        let mut context = context.sharing_a_session();
        let done = if io::stdin().is_terminal() {
            let done = read_lines(&mut context);
            context.out.note("Bye");
            done
        } else {
            script::run(&mut context, &mut io::stdin().lock(), self.stop_on_error, &mut |context, line| {
                run_line(context, None, line)
            })
        };
        // The session ends in good order: the server hears a goodbye.
        if let Some(session) = context.session.take() {
            drop(session.take());
        }
        done
    }
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
    lines.set_helper(Some(Words { files: FilenameCompleter::new(), session: context.session.clone() }));
    let history = home.path(HISTORY);
    // There is none before the first session.
    drop(lines.load_history(&history));
    loop {
        match lines.readline("ledgerctl> ") {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                drop(lines.add_history_entry(&line));
                if ["exit", "quit"].contains(&line.trim()) {
                    break;
                }
                run_line(context, Some(&mut lines), &line);
            }
            // Control-C gives up a line, control-D the session.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(unusable(error)),
        }
    }
    // Lines that are not kept cost nobody anything.
    drop(lines.save_history(&history));
    Ok(Exit::Done)
}

fn run_line(context: &mut Context, lines: Option<&mut Lines>, line: &str) -> Exit {
    let words = match shell_words::split(line) {
        Ok(words) => words,
        Err(error) => return ended(context.out, Err(ClientError::Usage(error.to_string()))),
    };
    if words.is_empty() {
        return Exit::Done;
    }
    let arguments = match try_parse::<Arguments>("ledgerctl", &words) {
        Ok(arguments) => arguments,
        Err(stopped) => return say_stopped(Outlet::new(context.out.json || asks_json(&words)), stopped),
    };
    let json = context.out.json;
    context.out.json |= arguments.json;
    let names_passphrase = arguments.passphrase_file.is_some() || arguments.passphrase_fd.is_some();
    let done = if arguments.home.is_some() || arguments.server.is_some() || names_passphrase {
        // Somebody else, or somewhere else: for this line only.
        Context::of(&arguments).and_then(|other| dispatch(&other.telling(context.out), &arguments.command))
    } else if let Subcommand::Listen(command) = &arguments.command {
        listen_beside(context, lines, command)
    } else {
        dispatch(context, &arguments.command)
    };
    let exit = ended(context.out, done);
    context.out.json = json;
    exit
}

/// Listens on a thread of its own; what comes in is shown above the line that is being written.
fn listen_beside(
    context: &Context,
    lines: Option<&mut Lines>,
    command: &listen::Listen,
) -> Result<Exit, ClientError> {
    let mut show: Box<dyn FnMut(String) + Send> = match lines.map(Lines::create_external_printer) {
        Some(Ok(mut printer)) => Box::new(move |text| drop(printer.print(text + "\n"))),
        // No terminal: there is no line to spare.
        _ => {
            let out = context.out;
            Box::new(move |text| drop(out.line(&text)))
        }
    };
    let reactor = listen::open(context, command, None, |currency| {
        Box::new(move |news| show(listen::words(&currency, &news)))
    })?;
    let out = context.out;
    let serve = move || {
        if let Err(error) = listen::finish(reactor.run()) {
            out.complain(&error);
        }
    };
    let started = std::thread::Builder::new().name("listen".to_owned()).spawn(serve);
    started.map(|_| Exit::Done).map_err(|error| ClientError::Unexpected(format!("a thread: {error}")))
}

/// Completes what stands on the line.
struct Words {
    files: FilenameCompleter,
    session: Option<SharedSession>,
}

impl Words {
    /// Who can be named: those who are online. Nobody, as long as no command has opened a session.
    fn members(&self) -> Vec<String> {
        let session = self.session.as_ref().and_then(|session| session.try_borrow_mut().ok());
        let Some(mut session) = session else { return Vec::new() };
        let Some(member) = session.as_mut() else { return Vec::new() };
        if !member.connection().is_alive() {
            return Vec::new();
        }
        let online = fetch_online(member).unwrap_or_default();
        online.into_iter().map(|member| member.handle).collect()
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
        // A quote that is open is one around a file's name with blanks.
        let Ok(before) = shell_words::split(before) else { return self.files.complete_path(line, pos) };
        let pair = |word: String| Pair { display: word.clone(), replacement: format!("{word} ") };
        let words = match next(&before, start) {
            Next::Words(words) => words.into_iter().map(|(word, _)| word).collect(),
            Next::Member => {
                let mut members = self.members();
                members.retain(|handle| handle.starts_with(start));
                members
            }
            Next::File | Next::Folder => return self.files.complete_path(line, pos),
            Next::Anything => Vec::new(),
        };
        Ok((begin, words.into_iter().map(pair).collect()))
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
