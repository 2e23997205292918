//! Text from strangers, made harmless for a terminal.

use std::borrow::Cow;

/// Makes visible whatever could move a cursor, change a colour or turn the direction of writing.
pub fn escape(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() && !is_direction(c);
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| if harmless(c) { c.to_string() } else { c.escape_unicode().to_string() };
    Cow::Owned(text.chars().map(visible).collect())
}

/// Unicode's marks, embeddings, overrides and isolates of direction.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_made_visible_and_all_else_stays() {
        assert_eq!(escape("Zoë 2330-TW 🙂"), "Zoë 2330-TW 🙂");
        assert_eq!(escape("\u{1b}[31m\u{202e}x\n"), "\\u{1b}[31m\\u{202e}x\\u{a}");
        assert_eq!(escape("\u{9b}1m"), "\\u{9b}1m");
    }
}
