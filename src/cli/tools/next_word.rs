//! What may stand next on a command line: for TAB in the shell, and for the scripts with which other shells ask this
//! program.

use argh::{ArgsInfo as _, CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality, PositionalInfo};

use crate::cli::Arguments;
use crate::client::bookkeeping::Format;
use crate::domain::accounts::Role;

/// The first argument with which this binary answers completion scripts.
pub(in crate::cli) const COMPLETE_ARGUMENT: &str = "__complete";

/// The shells that there are completion scripts for.
pub(super) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "nushell"];

/// What kind of word may stand next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// One of these, each with what it does.
    Words(Vec<(String, String)>),
    /// The name of a file.
    File,
    /// The name of a directory.
    Folder,
    /// The handle of a member.
    Member,
    /// Something that cannot be known.
    Anything,
}

/// What may stand where a word begins with `start`, after the words `before`.
pub(super) fn next(before: &[String], start: &str) -> Next {
    let program = Arguments::get_args_info();
    let place = Place::after(&program, before);
    let next = match (place.option, start.split_once('=')) {
        (Some(option), _) => of_option(option),
        (None, Some((name, value))) if !place.options_ended && name.starts_with("--") => {
            let value_of = place.flag(name).map_or(Next::Anything, of_option);
            return starting_with(with_name(value_of, name), &format!("{name}={value}"));
        }
        (None, _) if !place.options_ended && start.starts_with('-') => Next::Words(place.options()),
        (None, _) => place.word(),
    };
    starting_with(next, start)
}

/// Where on the line a word stands.
struct Place<'a> {
    program: &'a CommandInfoWithArgs,
    command: &'a CommandInfoWithArgs,
    /// Words behind the command that are no options.
    positionals: usize,
    /// The option whose value comes next.
    option: Option<&'a FlagInfo<'static>>,
    options_ended: bool,
}

impl<'a> Place<'a> {
    fn after(program: &'a CommandInfoWithArgs, before: &[String]) -> Place<'a> {
        let mut place =
            Place { program, command: program, positionals: 0, option: None, options_ended: false };
        for word in before {
            if place.option.take().is_some() {
                continue;
            }
            if place.options_ended || !word.starts_with('-') || word == "-" {
                let commands = &place.command.commands;
                match commands.iter().find(|command| command.name == word) {
                    Some(command) if place.positionals == 0 => place.command = &command.command,
                    _ => place.positionals += 1,
                }
            } else if word == "--" {
                place.options_ended = true;
            } else {
                place.option = place.flag(word).filter(|flag| takes_value(flag));
            }
        }
        place
    }

    fn flag(&self, name: &str) -> Option<&'a FlagInfo<'static>> {
        self.command.flags.iter().chain(self.program.flags).find(|flag| flag.long == name)
    }

    fn options(&self) -> Vec<(String, String)> {
        let mut options: Vec<(String, String)> = Vec::new();
        for flag in self.command.flags.iter().chain(self.program.flags) {
            if !options.iter().any(|(name, _)| name == flag.long) {
                options.push((flag.long.to_owned(), first_line(flag.description)));
            }
        }
        options.push(("--help".to_owned(), "what this does, with an example".to_owned()));
        options
    }

    /// A command, or the argument of one.
    fn word(&self) -> Next {
        let commands = &self.command.commands;
        if !commands.is_empty() && self.positionals == 0 {
            let line = |command: &argh::SubCommandInfo| first_line(command.command.description);
            return Next::Words(
                commands.iter().map(|command| (command.name.to_owned(), line(command))).collect(),
            );
        }
        let arguments = self.command.positionals;
        let last_repeats = |last: &&PositionalInfo<'_>| matches!(last.optionality, Optionality::Repeating);
        let argument = arguments.get(self.positionals).or_else(|| arguments.last().filter(last_repeats));
        argument.map_or(Next::Anything, |argument| of_argument(argument.name, self.positionals))
    }
}

fn takes_value(flag: &FlagInfo<'_>) -> bool {
    matches!(flag.kind, FlagInfoKind::Option { .. })
}

fn of_option(flag: &FlagInfo<'_>) -> Next {
    match flag.long {
        "--home" | "--cache" => Next::Folder,
        "--file" | "--out" | "--receipt" | "--checkpoint" | "--passphrase-file" => Next::File,
        "--format" => words(Format::names()),
        _ => Next::Anything,
    }
}

fn of_argument(name: &str, position: usize) -> Next {
    match name {
        "file" | "a" | "b" | "cheque" => Next::File,
        "directory" | "out" => Next::Folder,
        "user" => Next::Member,
        // Only the first of `pay USER AMOUNT`.
        "user amount" if position == 0 => Next::Member,
        "role" => words(Role::names()),
        "shell" => words(SHELLS.into_iter()),
        _ => Next::Anything,
    }
}

fn words(names: impl Iterator<Item = &'static str>) -> Next {
    Next::Words(names.map(|name| (name.to_owned(), String::new())).collect())
}

fn with_name(next: Next, name: &str) -> Next {
    match next {
        Next::Words(words) => {
            Next::Words(words.into_iter().map(|(word, line)| (format!("{name}={word}"), line)).collect())
        }
        other => other,
    }
}

fn starting_with(next: Next, start: &str) -> Next {
    match next {
        Next::Words(mut words) => {
            words.retain(|(word, _)| word.starts_with(start));
            words.sort();
            Next::Words(words)
        }
        other => other,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The answer to a completion script: a word a line, a tab and what it does behind it, or one line that says what kind
/// of name comes. `words` is what stands on the line after the program's name, the word under the cursor last.
pub(in crate::cli) fn answer(words: &[String]) -> String {
    // Bash takes `--name=value` apart.
    let words: Vec<String> = words.iter().filter(|word| *word != "=").cloned().collect();
    let (start, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    match next(before, start) {
        Next::Words(words) => words.into_iter().map(|(word, line)| format!("{word}\t{line}\n")).collect(),
        Next::File => ":files\n".to_owned(),
        Next::Folder => ":folders\n".to_owned(),
        Next::Member | Next::Anything => String::new(),
    }
}

/// The script with which a shell asks this program what may stand next.
pub(super) fn script(shell: &str) -> Option<&'static str> {
    Some(match shell {
        "bash" => BASH,
        "zsh" => ZSH,
        "fish" => FISH,
        _ => return None,
    })
}

const BASH: &str = r#"# ledgerctl: completion for bash
_ledgerctl() {
    local current=${COMP_WORDS[COMP_CWORD]} line name
    [[ $current == "=" ]] && current=""
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files)
                compopt -o filenames 2>/dev/null
                while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$current") ;;
            :folders)
                compopt -o filenames 2>/dev/null
                while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -d -- "$current") ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <(ledgerctl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _ledgerctl ledgerctl
"#;

const ZSH: &str = r#"#compdef ledgerctl
# ledgerctl: completion for zsh
_ledgerctl() {
    local line
    local -a described
    for line in "${(@f)$(ledgerctl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            :files) [[ $PREFIX == --*=* ]] && compset -P '*='; _files ;;
            :folders) [[ $PREFIX == --*=* ]] && compset -P '*='; _files -/ ;;
            '') ;;
            *) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    if (( $#described )); then _describe 'ledgerctl' described; fi
}
if [[ $funcstack[1] == _ledgerctl ]]; then
    _ledgerctl "$@"
else
    compdef _ledgerctl ledgerctl
fi
"#;

const FISH: &str = r#"# ledgerctl: completion for fish
function __ledgerctl_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    test (count $current) -eq 0; and set current ''
    for line in (command ledgerctl __complete $words $current 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $current
            case ':folders'
                __fish_complete_directories $current
            case '*'
                echo $line
        end
    end
end
complete -c ledgerctl -f -a '(__ledgerctl_complete)'
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn next_of(line: &str) -> Next {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let start = words.pop().unwrap();
        next(&words, &start)
    }

    fn names(line: &str) -> Vec<String> {
        match next_of(line) {
            Next::Words(words) => words.into_iter().map(|(word, _)| word).collect(),
            other => panic!("{line:?}: {other:?}"),
        }
    }

    #[test]
    fn an_empty_line_offers_the_commands_and_nothing_else() {
        let all = names("");
        assert!(all.contains(&"pay".to_owned()) && !all.iter().any(|word| word.starts_with('-')), "{all:?}");
        assert_eq!(names("rev"), ["revoke", "revoke-cheque"]);
        assert_eq!(names("--json --home x rev"), ["revoke", "revoke-cheque"]);
        assert_eq!(names("checkpoint s"), ["save"]);
    }

    #[test]
    fn only_what_the_words_of_the_line_leave_room_for_is_offered() {
        assert_eq!(names("send --m"), ["--memo"]);
        assert!(names("send --").contains(&"--server".to_owned()), "options of every command");
        // A member may be called like a command.
        assert_eq!(names("pay send --f"), ["--file"]);
        assert_eq!(next_of("pay bob 5 reg"), Next::Anything);
        assert_eq!(next_of("send --memo re"), Next::Anything);
        assert_eq!(next_of("copy -- --fr"), Next::Anything);
    }

    #[test]
    fn values_files_folders_and_members_are_told_apart() {
        assert_eq!(names("export --format h"), ["hledger"]);
        assert_eq!(names("export --format=h"), ["--format=hledger"]);
        assert_eq!(names("grant bob o"), ["operator"]);
        assert_eq!(names("completions z"), ["zsh"]);
        for (line, expected) in [
            ("pay ", Next::Member),
            ("send al", Next::Member),
            ("grant ", Next::Member),
            ("pay bob ", Next::Anything),
            ("add ord", Next::File),
            ("settle ", Next::File),
            ("receipt 42 --out ", Next::File),
            ("pay --file=", Next::File),
            ("audit ", Next::Folder),
            ("tiles a ", Next::Folder),
            ("--home ", Next::Folder),
        ] {
            assert_eq!(next_of(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_script_is_answered_a_word_a_line_or_with_the_kind_of_name() {
        let said = |words: &[&str]| answer(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(said(&["add", ""]), ":files\n");
        assert_eq!(said(&["audit", ""]), ":folders\n");
        assert!(said(&["bala"]).starts_with("balance\tWhat you have"));
        assert_eq!(said(&["export", "--format", "=", "c"]), "csv\t\n");
        assert!(said(&[]).contains("register\t"));
    }
}
