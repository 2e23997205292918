//! Words of a command line, arranged as argh takes them: options of the whole program first, then the command, its
//! options, and what is no option last. People write them in any order.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

/// What a command line asks for, before its values are looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arranged {
    /// The words in argh's order.
    pub words: Vec<String>,
    /// The command and its subcommand, as far as they were understood.
    pub command: Vec<String>,
    /// Whether help was asked for.
    pub help: bool,
    /// Whether the version was asked for.
    pub version: bool,
    /// Whether answers are to be JSON.
    pub json: bool,
    /// The first word that is no command or option where one has to stand.
    pub unknown: Option<Unknown>,
}

/// A word that nothing is known by, and what is known in its place.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    /// As it was written.
    pub word: String,
    /// Commands, or options, that could stand there.
    pub known: Vec<String>,
}

/// Arranges the words of a program whose commands and options `program` describes.
///
/// # Errors
/// A sentence about an option that has a value and takes none.
pub fn arrange(program: &CommandInfoWithArgs, raw: &[String]) -> Result<Arranged, String> {
    let mut walk = Walk::new(program);
    let mut words = raw.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--" if !walk.options_ended => walk.options_ended = true,
            _ if walk.options_ended || !is_option(word) => walk.word(word),
            "-h" | "--help" => walk.arranged.help = true,
            "-V" => walk.option("--version", None, &mut words)?,
            _ => match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((name, value)) => walk.option(name, Some(value), &mut words)?,
                None => walk.option(word, None, &mut words)?,
            },
        }
    }
    Ok(walk.finish())
}

/// A lone dash means standard input, and a dash before a digit is a sign.
fn is_option(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Second names of commands, which are understood and not listed: cheques were once called payment orders.
const ALIASES: [(&str, &str); 2] = [("order", "cheque"), ("revoke-order", "revoke-cheque")];

struct Walk<'a> {
    program: &'a CommandInfoWithArgs,
    /// The command whose words are being read.
    current: &'a CommandInfoWithArgs,
    arranged: Arranged,
    of_program: Vec<String>,
    of_command: Vec<String>,
    positionals: Vec<String>,
    options_ended: bool,
}

impl<'a> Walk<'a> {
    fn new(program: &'a CommandInfoWithArgs) -> Walk<'a> {
        Walk {
            program,
            current: program,
            arranged: Arranged::default(),
            of_program: Vec::new(),
            of_command: Vec::new(),
            positionals: Vec::new(),
            options_ended: false,
        }
    }

    /// Takes a word that is no option.
    fn word(&mut self, word: &str) {
        let commands = &self.current.commands;
        if commands.is_empty() || !self.positionals.is_empty() {
            return self.positionals.push(word.to_owned());
        }
        let name = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word, |(_, name)| name);
        if let Some(found) = commands.iter().find(|command| command.name == name) {
            self.arranged.command.push(name.to_owned());
            self.current = &found.command;
        } else if word == "help" && !self.options_ended {
            self.arranged.help = true;
        } else {
            let known = commands.iter().map(|command| command.name.to_owned()).collect();
            self.unknown(word, known);
            self.positionals.push(word.to_owned());
        }
    }

    /// Takes an option, and its value from the words behind it.
    fn option<'w>(
        &mut self,
        name: &str,
        joined: Option<&str>,
        behind: &mut (impl Iterator<Item = &'w String> + Clone),
    ) -> Result<(), String> {
        let of_program = self.program.flags.iter().find(|flag| flag.long == name);
        let takes_value = match of_program.or_else(|| own_flag(self.current, name)) {
            Some(flag) => takes_value(flag),
            None if name == "--version" => {
                self.arranged.version = true;
                return Ok(());
            }
            // A command's option before the command.
            None => match flags_below(self.current, name).as_slice() {
                [] => {
                    let flags = self.program.flags.iter().chain(self.current.flags);
                    self.unknown(name, flags.map(|flag| flag.long.to_owned()).collect());
                    false
                }
                [first, others @ ..] if others.iter().all(|flag| takes_value(flag) == takes_value(first)) => {
                    takes_value(first)
                }
                // Some commands have it with a value and some without: it has one if no command follows.
                _ => joined.is_some() || !behind.clone().next().is_some_and(|word| self.is_command(word)),
            },
        };
        let known = self.arranged.unknown.as_ref().is_none_or(|unknown| unknown.word != name);
        if joined.is_some() && !takes_value && known {
            return Err(format!("{name} takes no value"));
        }
        self.arranged.json |= name == "--json";
        let place = if of_program.is_some() { &mut self.of_program } else { &mut self.of_command };
        place.push(name.to_owned());
        if takes_value {
            place.extend(joined.map(str::to_owned).or_else(|| behind.next().cloned()));
        }
        Ok(())
    }

    fn is_command(&self, word: &str) -> bool {
        self.current.commands.iter().any(|command| command.name == word)
    }

    fn unknown(&mut self, word: &str, known: Vec<String>) {
        self.arranged.unknown.get_or_insert(Unknown { word: word.to_owned(), known });
    }

    fn finish(self) -> Arranged {
        let mut arranged = self.arranged;
        let mut words = self.of_program;
        words.extend(arranged.command.iter().cloned());
        words.extend(self.of_command);
        // What argh would take for an option, or for a call for help.
        let special = |word: &String| word.starts_with('-') || word == "help";
        if self.positionals.iter().any(special) {
            words.push("--".to_owned());
        }
        words.extend(self.positionals);
        arranged.words = words;
        arranged
    }
}

fn takes_value(flag: &FlagInfo<'_>) -> bool {
    matches!(flag.kind, FlagInfoKind::Option { .. })
}

fn own_flag<'a>(command: &'a CommandInfoWithArgs, name: &str) -> Option<&'a FlagInfo<'static>> {
    command.flags.iter().find(|flag| flag.long == name)
}

/// The options of this name that the commands below a command have.
fn flags_below<'a>(command: &'a CommandInfoWithArgs, name: &str) -> Vec<&'a FlagInfo<'static>> {
    let mut found = Vec::new();
    for below in &command.commands {
        found.extend(own_flag(&below.command, name));
        found.extend(flags_below(&below.command, name));
    }
    found
}

#[cfg(test)]
mod tests {
    use argh::{ArgsInfo, FromArgs};

    use super::*;

    /// Test.
    #[derive(FromArgs, ArgsInfo)]
    struct Program {
        /// where
        #[argh(option)]
        #[expect(dead_code, reason = "only described")]
        home: Option<String>,
        /// how
        #[argh(switch)]
        #[expect(dead_code, reason = "only described")]
        json: bool,
        /// what
        #[argh(subcommand)]
        #[expect(dead_code, reason = "only described")]
        command: Commands,
    }

    /// Test.
    #[derive(FromArgs, ArgsInfo)]
    #[argh(subcommand)]
    #[expect(dead_code, reason = "only described")]
    enum Commands {
        Pay(Pay),
        Show(Show),
    }

    /// Pay.
    #[derive(FromArgs, ArgsInfo)]
    #[argh(subcommand, name = "pay")]
    #[expect(dead_code, reason = "only described")]
    struct Pay {
        /// words
        #[argh(positional)]
        words: Vec<String>,
        /// text
        #[argh(option)]
        memo: Option<String>,
        /// with a value here
        #[argh(option)]
        key: Option<String>,
    }

    /// Show.
    #[derive(FromArgs, ArgsInfo)]
    #[argh(subcommand, name = "show")]
    #[expect(dead_code, reason = "only described")]
    struct Show {
        /// without one here
        #[argh(switch)]
        key: bool,
    }

    fn arranged(line: &str) -> Arranged {
        let raw: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        arrange(&Program::get_args_info(), &raw).unwrap()
    }

    fn words(line: &str) -> String {
        arranged(line).words.join(" ")
    }

    #[test]
    fn options_stand_before_or_behind_the_command() {
        for line in ["--home h --json pay bob 5", "pay --json bob --home=h 5", "pay bob 5 --home h --json"] {
            assert!(arranged(line).json, "{line}");
            assert!(
                ["--home h --json pay bob 5", "--json --home h pay bob 5"].contains(&&*words(line)),
                "{line}"
            );
        }
        assert_eq!(words("--memo tea pay bob 5"), "pay --memo tea bob 5");
        assert_eq!(words("--key show"), "show --key");
        assert_eq!(words("--key k pay bob"), "pay --key k bob");
    }

    #[test]
    fn the_value_of_an_option_is_never_taken_for_an_option() {
        let found = arranged("pay bob 5 --memo --json");
        assert_eq!(found.words.join(" "), "pay --memo --json bob 5");
        assert!(!found.json);
        assert_eq!(words("pay --memo - bob 5"), "pay --memo - bob 5");
        assert_eq!(words("pay --memo -5 bob 5"), "pay --memo -5 bob 5");
        assert!(arranged("pay bob 5 -- --json").words.ends_with(&["--json".to_owned()]));
        assert!(!arranged("pay bob 5 -- --json").json);
    }

    #[test]
    fn a_dash_a_negative_number_and_the_word_help_keep_their_place_among_the_others() {
        assert_eq!(words("pay - 5"), "pay -- - 5");
        assert_eq!(words("pay bob -5 --memo x"), "pay --memo x -- bob -5");
        assert_eq!(words("pay help 5"), "pay -- help 5");
    }

    #[test]
    fn help_and_version_are_understood_wherever_they_stand() {
        for line in ["-h", "--help", "help", "--home h help"] {
            assert!(arranged(line).help && arranged(line).command.is_empty(), "{line}");
        }
        for line in ["help pay", "pay --help", "-h pay", "pay bob -h"] {
            assert!(arranged(line).help && arranged(line).command == ["pay"], "{line}");
        }
        assert!(arranged("-V").version && arranged("--version").version && arranged("pay -V").version);
        assert!(!arranged("pay help 5").help);
    }

    #[test]
    fn only_a_word_that_is_not_known_is_named() {
        assert_eq!(arranged("pay pay show --memo pya").unknown, None);
        assert_eq!(arranged("pya bob 5").unknown.unwrap().word, "pya");
        let unknown = arranged("pay bob 5 --mmeo x").unknown.unwrap();
        assert_eq!(unknown.word, "--mmeo");
        assert!(unknown.known.contains(&"--memo".to_owned()) && unknown.known.contains(&"--home".to_owned()));
    }

    #[test]
    fn a_switch_with_a_value_is_refused_by_name() {
        let raw = ["pay".to_owned(), "--json=yes".to_owned()];
        assert_eq!(arrange(&Program::get_args_info(), &raw), Err("--json takes no value".to_owned()));
    }
}
