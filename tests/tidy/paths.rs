//! The paths that a Rust text names: those of its `use` declarations, one for each leaf of the tree in braces, and
//! those that stand in the code itself. Rough where nothing here depends on it: macros are read like any text.

/// One path that a text names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// Its segments: `crate`, `chain`, `Block`. A glob ends with `*`.
    pub(super) segments: Vec<String>,
    /// What the module that names it calls it from then on, where it is a `use` declaration.
    pub(super) alias: Option<String>,
}

/// Every path in a text, in its order.
pub(super) fn named_in(text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if is_word(&tokens[at]) && (at == 0 || tokens[at - 1] != "::") {
            let mut segments = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|token| token == "::")
                && tokens.get(at + 2).is_some_and(|token| is_word(token))
            {
                segments.push(tokens[at + 2].clone());
                at += 2;
            }
            if segments.len() > 1 {
                found.push(Named { segments, alias: None });
            }
        }
        at += 1;
    }
    found
}

/// Reads one tree of a `use` declaration from `at` on, and gives the place of the token behind it.
fn use_tree(tokens: &[String], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut segments = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    let behind = use_tree(tokens, at, &segments, found);
                    let is_comma = tokens.get(behind).is_some_and(|token| token == ",");
                    // What is no path, a macro's `$name` for instance, is stepped over.
                    at = if is_comma || behind == at { behind + 1 } else { behind };
                }
                return at + 1;
            }
            "as" => {
                let alias = tokens.get(at + 1).cloned();
                found.push(Named { segments, alias });
                return at + 2;
            }
            // `{self}` names what stands before the brace.
            "self" if segments.len() == prefix.len() && !prefix.is_empty() => at += 1,
            word if is_word(word) || word == "*" => {
                segments.push(word.to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    if !segments.is_empty() {
        let alias = segments.last().cloned();
        found.push(Named { segments, alias });
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Words, `::` and single other characters; comments, strings and characters in quotes are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if c.is_ascii_alphanumeric() || c == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let raw = &rest[end..];
            match raw_string(&rest[..end], raw) {
                Some(string) => end + string,
                None => {
                    tokens.push(rest[..end].to_owned());
                    end
                }
            }
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            quoted(rest)
        } else if c == '\'' {
            character(rest)
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[taken..];
    }
    tokens
}

/// The length of what follows a word that opens a raw string.
fn raw_string(word: &str, rest: &str) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(hashes + 1 + length)
}

/// The length of a string in double quotes at the start of a text.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character in quotes at the start of a text, or of the quote alone, where it opens a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), Some(escaped)) => {
            let from = 2 + escaped.len_utf8();
            text[from..].find('\'').map_or(text.len(), |at| from + at + 1)
        }
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}

#[test]
fn paths_are_found_in_every_form() {
    let text = r#"
        use crate::chain::Block;
        pub(crate) use crate::{codec, domain::{self, orders::Order as O, *}, wire};
        const TEXT: &str = "use crate::not_this"; // nor crate::this
        fn f<'a>(c: char) -> crate::limits::A<'a> { c == '"' && super::time::now() }
    "#;
    let found: Vec<String> = named_in(text)
        .into_iter()
        .map(|Named { segments, alias }| match alias {
            Some(alias) => format!("{} as {alias}", segments.join("::")),
            None => segments.join("::"),
        })
        .collect();
    let expected = [
        "crate::chain::Block as Block",
        "crate::codec as codec",
        "crate::domain as domain",
        "crate::domain::orders::Order as O",
        "crate::domain::* as *",
        "crate::wire as wire",
        "crate::limits::A",
        "super::time::now",
    ];
    assert_eq!(found, expected);
}

#[test]
fn strings_and_lifetimes_do_not_confuse_the_reader() {
    let text = "r#\"crate::a \" crate::b\"# '\\'' '\\u{41}' 'x' &'static str br\"crate::c\" \"\\\"crate::d\" crate::e::F";
    let found: Vec<String> = named_in(text).into_iter().map(|named| named.segments.join("::")).collect();
    assert_eq!(found, ["crate::e::F"]);
}
