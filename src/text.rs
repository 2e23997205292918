//! What strangers wrote, made safe to keep and to show: which characters do what a reader cannot see, and how they
//! are made visible.

use std::borrow::Cow;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Whether a character is shown as nothing, or changes how its neighbours are shown: controls, marks and overrides
/// of direction, zero-width characters and invisible fillers, line and paragraph separators, and code points that
/// Unicode says are no characters.
///
/// The two variation selectors that people type, U+FE0E and U+FE0F (text or picture of the character before), are
/// none of them.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    is_noncharacter(c)
        || is_invisible_filler(c)
        || matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// The last two code points of each plane, and U+FDD0 to U+FDEF: Unicode 16, section 23.7.
fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff) || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

/// Letters and marks that are `Default_Ignorable_Code_Point` in Unicode's DerivedCoreProperties.txt without being
/// of the category Format: a renderer shows nothing in their place.
fn is_invisible_filler(c: char) -> bool {
    matches!(
        c,
        '\u{034f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2065}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What the system says of an error, without the number behind it.
pub fn cause(error: &std::io::Error) -> String {
    without_numbers(&error.to_string()).into_owned()
}

/// A text without the numbers of errors that the system puts behind its sentences.
pub fn without_numbers(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = " (os error ";
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(BEGIN);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => plain.push_str(rest),
            _ => {
                plain.push_str(BEGIN);
                plain.push_str(part);
            }
        }
    }
    Cow::Owned(plain)
}

/// The first character of a text that [`is_hidden`].
pub fn first_hidden(text: &str) -> Option<char> {
    text.chars().find(|c| is_hidden(*c))
}

/// How a character that nobody can see is named to people: `U+202E`.
pub fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Makes visible whatever could move a cursor, change a colour, turn the direction of writing or hide: for one line
/// on a terminal or in a log.
pub fn escape(text: &str) -> Cow<'_, str> {
    if first_hidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(visible).collect())
}

/// Makes hidden characters visible as JSON writes them (`\u202e`, a pair for those beyond U+FFFF), which leaves the
/// meaning of a JSON text as it is, and leaves ASCII alone: for whole output, line ends included.
pub fn escape_as_json(text: &str) -> Cow<'_, str> {
    let hidden = |c: &char| !c.is_ascii() && is_hidden(*c);
    if text.is_ascii() || !text.chars().any(|c| hidden(&c)) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(&c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                visible.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            visible.push(c);
        }
    }
    Cow::Owned(visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_made_visible_and_all_else_stays() {
        assert_eq!(escape("Zoë 2330-TW 🙂 日本 ❤\u{fe0f} שלום"), "Zoë 2330-TW 🙂 日本 ❤\u{fe0f} שלום");
        assert_eq!(escape("\u{1b}[31m\u{202e}x\n"), "\\u{1b}[31m\\u{202e}x\\u{a}");
        assert_eq!(escape("\u{9b}1m"), "\\u{9b}1m");
    }

    #[test]
    fn each_way_of_hiding_is_known() {
        let hidden = [
            '\u{202e}',
            '\u{2066}',
            '\u{200e}',
            '\u{061c}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{2028}',
            '\u{2029}',
            '\u{ad}',
            '\u{fffe}',
            '\u{fdd0}',
            '\u{10ffff}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{fff9}',
            '\u{3164}',
            '\u{0}',
            '\u{7f}',
            '\u{85}',
            '\u{180e}',
        ];
        for c in hidden {
            assert!(is_hidden(c), "{}", c.escape_unicode());
        }
        for c in ['a', ' ', '\u{a0}', 'é', '\u{301}', '\u{fe0f}', '🙂', '\u{10348}', '—', '\u{3000}'] {
            assert!(!is_hidden(c), "{}", c.escape_unicode());
        }
    }

    #[test]
    fn numbers_of_the_systems_errors_are_left_out_and_nothing_else() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(cause(&error), "No such file or directory");
        assert_eq!(without_numbers("a: b (os error 2), c (os error 13)"), "a: b, c");
        assert_eq!(without_numbers("a (os error x) (os error 2"), "a (os error x) (os error 2");
    }

    #[test]
    fn json_says_the_same_with_its_hidden_characters_written_out() {
        for memo in ["a\u{202e}b", "\u{e0041}", "tab\t and \"quotes\" \u{200b}é"] {
            let plain = serde_json::json!({ "memo": memo }).to_string();
            let visible = escape_as_json(&plain);
            assert!(visible.chars().all(|c| !is_hidden(c)), "{visible}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&visible).unwrap()["memo"], memo);
        }
        assert_eq!(escape_as_json("two\nlines\n"), "two\nlines\n");
    }
}
