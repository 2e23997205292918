//! Names of items: which texts are names, and which names are the same.
//!
//! Both questions are asked by rules, so that their answers must never change. Unicode keeps its promises about case and
//! normal forms only for characters that are assigned. A name therefore has no others than those that Unicode 16.0 assigns, and
//! a test holds the answer for every character there is against the one of today.

use std::sync::LazyLock;

use caseless::Caseless as _;
use regex::Regex;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Bytes of a name at most.
pub const NAME_BYTES_MAX: usize = 64;

/// A text of characters that Unicode 16.0 assigns and that are neither controls nor format characters. What is no character at
/// all has an age, too, and is of the category Cn in every version. Should the library not
/// know such a class any more, nothing is a name, and the tests below say so.
static ASSIGNED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\A[\p{Age=16.0}&&[^\p{Cc}\p{Cf}\p{Cn}]]+\z").ok());

/// Whether a text may be the name of an item: 1 to [`NAME_BYTES_MAX`] bytes in Unicode's form NFC, without control characters,
/// format characters and code points that Unicode 16.0 does not assign.
pub fn is_name(text: &str) -> bool {
    // Most names need no table, and a command holds thousands of them.
    if text.is_ascii() {
        let length = 1..=NAME_BYTES_MAX;
        return length.contains(&text.len()) && !text.bytes().any(|byte| byte.is_ascii_control());
    }
    text.len() <= NAME_BYTES_MAX
        && ASSIGNED.as_ref().is_some_and(|assigned| assigned.is_match(text))
        && is_nfc(text)
}

/// The form of a name in which names that differ in case, or in how compatible characters are written, are one: the
/// compatibility caseless form of the Unicode standard, definition D146 of section 3.13.
pub fn folded(name: &str) -> String {
    if name.is_ascii() { name.to_ascii_lowercase() } else { folded_by_tables(name) }
}

fn folded_by_tables(name: &str) -> String {
    name.nfd().default_case_fold().nfkd().default_case_fold().nfkd().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto;

    #[test]
    fn a_name_has_1_to_64_bytes_of_nfc_and_only_characters_that_everybody_can_have() {
        let longest = "x".repeat(NAME_BYTES_MAX);
        for good in ["a", "Caterpie", "Pokémon 25th – Booster", "カメックス", "皮卡丘 🃏", "a b", &longest]
        {
            assert!(is_name(good), "{good:?}");
        }
        let too_long = format!("{longest}x");
        let bad = [
            "",
            &too_long,
            "two\nlines",
            "tab\t",
            "e\u{301}",                   // not NFC
            "a\u{200b}b",                 // zero width space: Cf
            "a\u{202e}b",                 // right-to-left override: Cf
            "a\u{ad}b",                   // soft hyphen: Cf
            "a\u{7f}",                    // delete
            "a\u{378}",                   // not assigned
            "\u{1c8a}\u{1f8b2}\u{e0080}", // not assigned
            "a\u{e0001}",                 // language tag: Cf
            "a\u{fffe}",                  // no character
        ];
        for bad in bad {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_or_in_compatible_characters_are_one() {
        for (one, other) in [
            ("Caterpie", "CATERPIE"),
            ("Straße", "STRASSE"),
            ("ﬁre", "FIRE"),
            ("Ⅷ", "viii"),
            ("ＡＢＣ", "abc"),
            ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("ﾎﾟｹﾓﾝ", "ポケモン"),
            ("x²", "X2"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        for (one, other) in [("resume", "résumé"), ("Caterpie", "Caterpie "), ("ı", "i"), ("も", "モ")] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
    }

    #[test]
    fn names_of_ascii_are_judged_and_folded_as_by_the_tables() {
        for byte in 0..=0x7f_u8 {
            let text = format!("a{}B", char::from(byte));
            assert_eq!(folded(&text), folded_by_tables(&text), "{text:?}");
            let assigned = ASSIGNED.as_ref().unwrap().is_match(&text);
            assert_eq!(is_name(&text), assigned, "{text:?}");
        }
    }

    /// The digest of the folded form of every character whose folded form is another: a line each, `XXXX XXXX …` in
    /// hexadecimal digits. The tables of Unicode 16.0 give the same by other programs.
    const ANSWERS: &str = "afd5311a2b1b5738ebe1b0bcd8ff50956c883de2301197e9c41cdd04581c4b1c";

    /// Every character, whether it may stand in a name, and its folded form. These answers stand in rules: a library that gives
    /// others may not be used for logs that exist.
    #[test]
    fn no_answer_about_any_character_has_changed() {
        let mut answers = String::new();
        let mut allowed = 0;
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            if !is_name(&text) {
                continue;
            }
            allowed += 1;
            let folded = folded(&text);
            if folded != text {
                answers.push_str(&format!("{:04X}", u32::from(c)));
                folded.chars().for_each(|c| answers.push_str(&format!(" {:04X}", u32::from(c))));
                answers.push('\n');
            }
        }
        let digest = crypto::sha3(&[answers.as_bytes()]);
        assert_eq!((allowed, digest.to_string().as_str()), (291_176, ANSWERS));
    }
}
