//! Whether a new password is good enough. Only the client can say so, because nobody else ever sees it.

use zxcvbn::zxcvbn;

use crate::client::ClientError;
use crate::password::normalised_password;

/// The fewest characters of a password.
const CHARACTERS_MIN: usize = 10;

/// The most bytes of a password. What is longer is a file by mistake.
const BYTES_MAX: usize = 1_024;

/// Tries within which a password may not be found by who knows what people choose: a million are the commonest ones, walks
/// over a keyboard, dates and the like. Each try costs an attacker the work of Argon2.
const GUESSES_MIN: u64 = 1_000_000;

/// Checks a new password for an account with this e-mail address.
///
/// # Errors
/// [`ClientError::Usage`] with what is wrong.
pub fn check_password(password: &str, e_mail: &str) -> Result<(), ClientError> {
    let password = normalised_password(password);
    let weak = |why: &str| Err(ClientError::Usage(format!("the password is not good enough: {why}")));
    if password.chars().count() < CHARACTERS_MIN {
        return weak(&format!("it has fewer than {CHARACTERS_MIN} characters"));
    }
    if password.len() > BYTES_MAX {
        return weak(&format!("it has more than {BYTES_MAX} bytes"));
    }
    let user = e_mail.split('@').next().unwrap_or_default();
    if password.eq_ignore_ascii_case(e_mail) {
        return weak("it is the e-mail address");
    }
    let guessed = zxcvbn(&password, &[e_mail, user]).guesses();
    if guessed < GUESSES_MIN {
        return weak(&format!("whoever knows what people choose finds it within {guessed} tries"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_common_or_the_e_mail_is_no_password() {
        for weak in [
            "",
            "tooshort1",
            "1234567890",
            "qwertyuiop",
            "password123",
            "aaaaaaaaaaaaaaa",
            "abcdefghijkl",
            "Ash.Ketchum@pallet.example",
            "ash.ketchum",
        ] {
            let refused = check_password(weak, "ash.ketchum@pallet.example");
            assert!(matches!(refused, Err(ClientError::Usage(_))), "{weak}: {refused:?}");
        }
        for good in ["correct horse battery", "vier Äpfel im Schnee", "kX9#mq2$Lw7!"] {
            check_password(good, "ash.ketchum@pallet.example").unwrap();
        }
    }
}
