//! Commands that are read from a file or a pipe, as shells read theirs: a line that is none is told by its number, and
//! the next one is read.

use std::io::BufRead;

use crate::cli::context::Context;
use crate::client::ClientError;
use crate::terminal::exit::Exit;

/// Bytes of a line at most: no command is longer.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Reads lines until there are none, `exit` is read, or one fails and that is to be the end; gives the exit code of the
/// last command.
pub(super) fn run(
    context: &mut Context,
    input: &mut dyn BufRead,
    stop_on_error: bool,
    run_line: &mut dyn FnMut(&mut Context, &str) -> Exit,
) -> Result<Exit, ClientError> {
    let mut last = Exit::Done;
    for number in 1_u64.. {
        let line = match next_line(input) {
            Ok(None) => break,
            Ok(Some(line)) => line,
            Err(error) => return Err(ClientError::Usage(format!("line {number}: {error}"))),
        };
        let exit = match String::from_utf8(line) {
            Ok(line) => {
                let line = if number == 1 { line.trim_start_matches('\u{feff}') } else { &line };
                match shell_words::split(line) {
                    Ok(words) if words.is_empty() => continue,
                    Ok(words) if ["exit", "quit"].contains(&words.concat().as_str()) => break,
                    Ok(_) => run_line(context, line),
                    Err(_) => bad_line(context, number, "a quote is not closed"),
                }
            }
            Err(error) => {
                let column = error.utf8_error().valid_up_to() + 1;
                bad_line(context, number, &format!("byte {column} of it is not UTF-8"))
            }
        };
        last = exit;
        if exit != Exit::Done && stop_on_error {
            if !context.out.json {
                context
                    .out
                    .note(&format!("line {number} failed with exit code {}: stopping there", exit as u8));
            }
            break;
        }
    }
    Ok(last)
}

fn bad_line(context: &Context, number: u64, why: &str) -> Exit {
    let error = ClientError::Usage(format!("line {number}: {why}; it was not run"));
    context.out.complain(&error);
    Exit::from(&error)
}

/// The bytes of the next line, without its end; none when there are no more.
fn next_line(input: &mut dyn BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let count = std::io::Read::take(&mut *input, LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if count == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == LINE_BYTES_MAX {
        return Err(std::io::Error::other(format!("longer than {LINE_BYTES_MAX} bytes")));
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line))
}
