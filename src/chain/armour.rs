//! Finds a cheque, a receipt, a checkpoint or a key in the text in which a person hands it on.
//!
//! Mail and editors change what carries no meaning: they end lines with CR LF, put `> ` or blanks before them and
//! blanks behind, break long ones, set a byte order mark before the first, replace a dash, and put words around it all.
//! What is found is written out anew as its format has it, and the strict parser of that format reads it. Nothing is
//! guessed: every character that is hashed or signed comes out as it stands in the text or makes the check fail.

use std::fmt;

use super::genesis::is_origin;

/// Characters of 32 bytes in base64: a hash.
const HASH_CHARS: usize = 44;

/// The first line of a receipt, which is a C2SP proof (tlog-proof), and by which one is found in a mail.
pub(super) const RECEIPT_HEAD: &str = "c2sp.org/tlog-proof@v1";

/// Characters of the longest signature in a note (a cosignature, 76 bytes) in base64.
const SIGNATURE_CHARS_MAX: usize = 104;

/// Characters in a line of base64 (RFC 7468).
const PEM_LINE_CHARS: usize = 64;

/// Why a text does not give the one thing that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOne {
    /// It is not in there.
    Absent,
    /// There are so many different ones.
    Several(usize),
    /// It is in there, and is not what it was: no more is to be made of it.
    Changed,
}

impl fmt::Display for NotOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotOne::Absent => f.write_str("there is none in it"),
            NotOne::Several(count) => write!(f, "there are {count} different ones in it: keep one of them"),
            NotOne::Changed => {
                f.write_str("the one in it was changed on its way: it is no signed note any more")
            }
        }
    }
}

impl std::error::Error for NotOne {}

/// The bytes of a file as text: UTF-8, or UTF-16 with a byte order mark. What is neither becomes U+FFFD, which no
/// format has inside; around what is looked for it does no harm.
pub fn text_of(bytes: &[u8]) -> String {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The one PEM text (RFC 7468) with this label.
///
/// # Errors
/// [`NotOne`].
pub fn pem(text: &str, label: &str) -> Result<String, NotOne> {
    let compact: String = words(text).collect();
    let squeezed: String = label.split(' ').collect();
    let (begin, end) = (format!("-----BEGIN{squeezed}-----"), format!("-----END{squeezed}-----"));
    let mut found = Found::default();
    for rest in compact.split(begin.as_str()).skip(1) {
        // Without its end it is cut off, which the parser says.
        let (body, last) = match rest.split_once(end.as_str()) {
            Some((body, _)) => (body, format!("-----END {label}-----\n")),
            None => (rest, String::new()),
        };
        // OpenPGP puts a dash and a blank before a line of dashes in a text that it signs.
        let body = body.trim_end_matches('-');
        let mut armoured = format!("-----BEGIN {label}-----\n");
        for (number, c) in body.chars().enumerate() {
            if number > 0 && number.is_multiple_of(PEM_LINE_CHARS) {
                armoured.push('\n');
            }
            armoured.push(c);
        }
        found.add(format!("{armoured}\n{last}"));
    }
    found.one()
}

/// The one receipt.
///
/// # Errors
/// [`NotOne`].
pub fn receipt(text: &str) -> Result<String, NotOne> {
    let words: Vec<&str> = words(text).collect();
    let mut found = Found::default();
    let heads = words.iter().enumerate().filter(|(_, word)| **word == RECEIPT_HEAD);
    for (head, _) in heads {
        if let Some(receipt) = receipt_at(words.get(head + 1..).unwrap_or_default()) {
            found.add(receipt);
        }
    }
    found.one()
}

/// The receipt behind its first line.
fn receipt_at(words: &[&str]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let index = rest.windows(2).position(|pair| matches!(pair, ["index", number] if is_number(number)))?;
    let (extra, rest) = rest.split_at_checked(index)?;
    let (number, rest) = rest.get(1..)?.split_first()?;
    let (before, note) = first_note(rest)?;
    let hashes = before.concat();
    let mut receipt = format!("{RECEIPT_HEAD}\n{first} {}\nindex {number}\n", extra.concat());
    let mut left = hashes.as_str();
    while !left.is_empty() {
        let (hash, after) = left.split_at_checked(HASH_CHARS).unwrap_or((left, ""));
        receipt.push_str(hash);
        receipt.push('\n');
        left = after;
    }
    Some(format!("{receipt}\n{note}"))
}

/// The one signed checkpoint.
///
/// # Errors
/// [`NotOne`].
pub fn checkpoint(text: &str) -> Result<String, NotOne> {
    let words: Vec<&str> = words(text).collect();
    let (mut found, mut rest) = (Found::default(), words.as_slice());
    while let Some((before, note)) = first_note(rest) {
        found.add(note);
        // Behind the origin of this one; nothing before its end looks like another.
        rest = rest.get(before.len() + 1..).unwrap_or_default();
    }
    found.one()
}

/// The first word that can be read as what is looked for, such as a verifier key.
pub fn word<T: std::str::FromStr>(text: &str) -> Option<T> {
    words(text).find_map(|word| word.parse().ok())
}

/// The first signed checkpoint among some words, and the words before it: `origin size root`, then one or more of
/// `dash name signature`.
fn first_note<'a, 'b>(words: &'b [&'a str]) -> Option<(&'b [&'a str], String)> {
    (0..words.len()).find_map(|at| {
        let (before, rest) = words.split_at_checked(at)?;
        let [origin, size, rest @ ..] = rest else { return None };
        if !is_origin(origin) || !is_number(size) {
            return None;
        }
        let (root, mut rest) = base64(rest, |chars| chars == HASH_CHARS, HASH_CHARS)?;
        let mut note = format!("{origin}\n{size}\n{root}\n\n");
        let mut signatures = 0;
        loop {
            let (name, after) = match rest {
                [dash, name, after @ ..] if is_dash(dash) => (name, after),
                // A dash that did not survive as any character at all.
                [name, after @ ..] if signatures == 0 && name == origin => (name, after),
                _ => break,
            };
            let whole = |chars: usize| chars.is_multiple_of(4);
            let Some((signature, after)) = base64(after, whole, SIGNATURE_CHARS_MAX) else { break };
            note.push_str(&format!("\u{2014} {name} {signature}\n"));
            (signatures, rest) = (signatures + 1, after);
        }
        (signatures > 0).then_some((before, note))
    })
}

/// Joins words to base64 that ends with padding and has a length that will do, and gives what is behind.
fn base64<'a, 'b>(
    words: &'b [&'a str],
    fits: impl Fn(usize) -> bool,
    most: usize,
) -> Option<(String, &'b [&'a str])> {
    let mut joined = String::new();
    for (number, word) in words.iter().enumerate() {
        if !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) {
            return None;
        }
        joined.push_str(word);
        if joined.len() > most {
            return None;
        }
        if joined.ends_with('=') && fits(joined.len()) {
            return Some((joined, words.get(number + 1..)?));
        }
    }
    None
}

/// The words of a text without what quoting puts before its lines.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let before = |c: char| c == '>' || c == '|' || is_blank(c);
    text.split(['\n', '\r'])
        .flat_map(move |line| line.trim_start_matches(before).split(is_blank).filter(|word| !word.is_empty()))
}

/// Whether a character stands for nothing: a blank, a byte order mark, a blank without width.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word may be what became of the dash before a signature: no letters and digits that mean something here.
fn is_dash(word: &str) -> bool {
    let escaped = matches!(word, "=E2=80=94" | "&mdash;" | "&#8212;");
    escaped || !word.bytes().any(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// What was found, each once.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn add(&mut self, text: String) {
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    fn one(mut self) -> Result<String, NotOne> {
        match self.0.len() {
            0 | 1 => self.0.pop().ok_or(NotOne::Absent),
            count => Err(NotOne::Several(count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws=";

    fn note() -> String {
        let (log, witness) = ("A".repeat(91), "B".repeat(102));
        format!(
            "ledger.example/l\n12\n{ROOT}\n\n\u{2014} ledger.example/l {log}=\n\u{2014} witness.example/w {witness}==\n"
        )
    }

    fn receipt_text() -> String {
        let extra = "QUJD".repeat(300);
        format!("{RECEIPT_HEAD}\nextra {extra}\nindex 3\n{ROOT}\n{ROOT}\n\n{}", note())
    }

    fn pem_text() -> String {
        let body = "QUJD".repeat(40);
        format!(
            "-----BEGIN A THING-----\n{}\n{}\n{}\n-----END A THING-----\n",
            &body[..64],
            &body[64..128],
            &body[128..]
        )
    }

    /// What mail and editors do to a text.
    fn forms(text: &str) -> Vec<(&'static str, String)> {
        let each = |change: &dyn Fn(&str) -> String| -> String { text.lines().map(change).collect() };
        let wrapped = |width: usize| -> String {
            let pieces = |line: &str| -> String {
                let chars: Vec<char> = line.chars().collect();
                if chars.is_empty() {
                    return "\n".to_owned();
                }
                chars.chunks(width).map(|piece| piece.iter().collect::<String>() + "\n").collect()
            };
            text.lines()
                .map(|line| {
                    if line.starts_with("-----") {
                        format!("{line}\n")
                    } else {
                        line.split(' ').map(pieces).collect()
                    }
                })
                .collect()
        };
        vec![
            ("as it was", text.to_owned()),
            ("CR LF", text.replace('\n', "\r\n")),
            ("CR", text.replace('\n', "\r")),
            ("byte order mark", format!("\u{feff}{text}")),
            ("quoted", each(&|line| format!("> {line}\n"))),
            ("quoted thrice", each(&|line| format!(">> > {line}\n"))),
            ("indented", each(&|line| format!("\t    {line}\n"))),
            ("hard blanks", each(&|line| format!("\u{a0}\u{a0}{line}\n"))),
            ("trailing blanks", each(&|line| format!("{line} \t\n"))),
            ("blank lines between", each(&|line| format!("{line}\n\n"))),
            (
                "signed with OpenPGP",
                each(&|line| if line.starts_with('-') { format!("- {line}\n") } else { format!("{line}\n") }),
            ),
            ("in a letter", format!("Hi Bob,\n\nhere it is:\n\n{text}\n-- \nAlice, 12 Main Street\n")),
            ("twice", format!("{text}\nBob wrote:\n{}", each(&|line| format!("> {line}\n")))),
            ("re-wrapped", wrapped(40)),
            ("re-wrapped and quoted", wrapped(30).lines().map(|line| format!("> {line}\r\n")).collect()),
        ]
    }

    #[test]
    fn what_mail_does_to_an_order_a_receipt_and_a_checkpoint_is_undone() {
        for (form, text) in forms(&pem_text()) {
            assert_eq!(pem(&text, "A THING"), Ok(pem_text()), "{form}");
        }
        for (form, text) in forms(&receipt_text()) {
            assert_eq!(receipt(&text), Ok(receipt_text()), "{form}");
        }
        for (form, text) in forms(&note()) {
            assert_eq!(checkpoint(&text), Ok(note()), "{form}");
        }
        assert_eq!(checkpoint(&receipt_text()), Ok(note()), "the checkpoint in a receipt");
    }

    #[test]
    fn a_dash_that_did_not_survive_is_put_back() {
        for dash in [
            "-",
            "--",
            "?",
            "\u{2013}",
            "\u{fffd}\u{fffd}\u{fffd}",
            "=E2=80=94",
            "&mdash;",
            "\u{e2}\u{80}\u{94}",
        ] {
            assert_eq!(checkpoint(&note().replace('\u{2014}', dash)), Ok(note()), "{dash}");
            assert_eq!(receipt(&receipt_text().replace('\u{2014}', dash)), Ok(receipt_text()), "{dash}");
        }
        let first = note().lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
        assert_eq!(checkpoint(&first.replace("\u{2014} ", "")), Ok(first));
    }

    #[test]
    fn a_text_without_it_or_with_several_is_told_and_what_is_changed_comes_out_changed() {
        assert_eq!(pem("Hi Bob", "A THING"), Err(NotOne::Absent));
        assert_eq!(pem(&pem_text(), "ANOTHER THING"), Err(NotOne::Absent));
        assert_eq!(receipt(&note()), Err(NotOne::Absent));
        assert_eq!(checkpoint(&note().lines().take(3).collect::<String>()), Err(NotOne::Absent));
        let other = note().replace("\n12\n", "\n13\n");
        assert_eq!(checkpoint(&format!("{}\n{other}", note())), Err(NotOne::Several(2)));
        assert_eq!(checkpoint(&other), Ok(other));
        let cut = pem_text().replace("-----END A THING-----\n", "");
        assert_eq!(pem(&cut, "A THING"), Ok(cut));
        let odd = pem_text().replacen("QUJD", "QU\u{fffd}D", 1);
        assert_eq!(pem(&odd, "A THING"), Ok(odd), "a character that is not base64 is not dropped");
    }

    #[test]
    fn a_file_of_another_encoding_becomes_text() {
        let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}a \u{2014} b".encode_utf16().flat_map(order).collect()
        };
        assert_eq!(text_of(&utf16(u16::to_le_bytes)), "a \u{2014} b");
        assert_eq!(text_of(&utf16(u16::to_be_bytes)), "a \u{2014} b");
        assert_eq!(text_of(b"Gr\xfc\xdfe"), "Gr\u{fffd}\u{fffd}e");
        assert_eq!(text_of("\u{feff}x".as_bytes()), "\u{feff}x");
    }
}
