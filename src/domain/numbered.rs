//! Words that commands hold as one byte: an enum of which each variant has a number for the log and a name for people.

/// Makes such an enum. Its encoding is the number, one byte; a number that is not listed does not decode. A number is
/// never used twice. The text after the enum's name says what its values are, for error messages.
macro_rules! numbered {
    (
        $(#[$about:meta])*
        pub enum $word:ident ($what:literal) {
            $($(#[$meaning:meta])* $variant:ident = $number:literal $name:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[serde(into = "u8", try_from = "u8")]
        pub enum $word {
            $($(#[$meaning])* $variant = $number,)+
        }

        impl $word {
            /// All of them, by number.
            pub const ALL: &[$word] = &[$($word::$variant,)+];

            /// The name by which people and programs know it.
            pub const fn name(self) -> &'static str {
                match self {
                    $($word::$variant => $name,)+
                }
            }

            /// The name as it stands in a sentence, behind a comma and before a value.
            pub const fn in_sentence(self) -> &'static str {
                match self {
                    $($word::$variant => concat!(", ", $name, " "),)+
                }
            }

            /// The names of all.
            pub fn names() -> impl Iterator<Item = &'static str> {
                $word::ALL.iter().map(|word| word.name())
            }
        }

        impl From<$word> for u8 {
            fn from(word: $word) -> u8 {
                word as u8
            }
        }

        impl TryFrom<u8> for $word {
            type Error = String;

            fn try_from(number: u8) -> Result<$word, String> {
                let known = $word::ALL.iter().find(|word| u8::from(**word) == number);
                known.copied().ok_or_else(|| format!(concat!("there is no ", $what, " {}"), number))
            }
        }

        impl std::fmt::Display for $word {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $word {
            type Err = String;

            fn from_str(text: &str) -> Result<$word, String> {
                let known = $word::ALL.iter().find(|word| word.name() == text);
                known.copied().ok_or_else(|| {
                    let names: Vec<&str> = $word::names().collect();
                    format!(concat!("there is no ", $what, " {:?}; expected one of: {}"), text, names.join(", "))
                })
            }
        }
    };
}

pub(in crate::domain) use numbered;
