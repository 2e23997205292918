//! Reads the language of the scenarios. Strict: a line that means nothing is a mistake in the fixture, and the
//! panic names file and line.

use ledgerd::domain::payments::Currency;

use super::world::{
    LEDGER, Question, RawCheque, RawCommand, RawDecimal, RawOperation, RawOrder, RawOrderV1, RawPayment,
    RawPriceV1,
};

/// One story.
pub(super) struct Scenario {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// One line of a story.
pub(super) struct Line {
    /// File and line.
    pub(super) place: String,
    /// Whether it only sets the stage: such a step must succeed.
    pub(super) is_given: bool,
    pub(super) step: Step,
}

pub(super) enum Step {
    Ask { command: RawCommand, author: u64, signer: String, expected: Expected },
    Check(Check),
    Found { opening_grant: u64, operator: Option<String>, currency: Currency },
}

/// What must be so.
pub(super) struct Check {
    pub(super) question: Question,
    pub(super) answer: String,
}

#[derive(Debug)]
pub(super) enum Expected {
    Account(u64),
    FirstOrder(u64),
    Balance(u64),
    Holders(u64),
    Vouched(u64),
    Settled(u64),
    ChequeRevoked(u64),
    Refused { name: String, sentence: Option<String> },
    Undecodable,
}

impl Step {
    fn ask(text: &str) -> Option<Step> {
        let (asked, expected) = text.split_once(" -> ")?;
        let (verb, arguments) = asked.split_once(' ')?;
        let expected = expected_outcome(expected.trim())?;
        let mut words = words(arguments.trim());
        let mut author = 0;
        let mut signer = None;
        let mut handle = None;
        let mut key = None;
        while let Some((name, value)) = words.first().and_then(|word| word.split_once('=')) {
            let value = value.to_owned();
            match name {
                "as" => author = value.parse().ok()?,
                "signed-by" => signer = Some(value),
                "handle" => handle = Some(value),
                "key" => key = Some(value),
                _ => return None,
            }
            words.remove(0);
        }
        let command = match verb {
            "register" if words.is_empty() => RawCommand::Register { handle: handle?, key: key.clone()? },
            "place-orders" if handle.is_none() && key.is_none() => {
                RawCommand::PlaceOrders(orders(&words, order)?)
            }
            "place-orders-v1" if handle.is_none() && key.is_none() => {
                RawCommand::PlaceOrdersV1(orders(&words, order_v1)?)
            }
            "pay" => RawCommand::Pay(payments(&words)?),
            "settle" => RawCommand::Settle(cheque(&words, author)?),
            "revoke-cheque" => match words.as_slice() {
                [cheque] => RawCommand::RevokeCheque(cheque.parse().ok()?),
                _ => return None,
            },
            "issue" => match words.as_slice() {
                [to, amount] => RawCommand::Issue { to: to.parse().ok()?, amount: amount.parse().ok()? },
                _ => return None,
            },
            "vouch-clock" => match words.as_slice() {
                [seconds] => RawCommand::VouchClock(seconds.parse().ok()?),
                _ => return None,
            },
            "grant" | "revoke" => match words.as_slice() {
                [account, role] if verb == "grant" => {
                    RawCommand::GrantRole(account.parse().ok()?, role_number(role)?)
                }
                [account, role] => RawCommand::RevokeRole(account.parse().ok()?, role_number(role)?),
                _ => return None,
            },
            _ => return None,
        };
        let signer = signer.or(key).unwrap_or_else(|| author.to_string());
        Some(Step::Ask { command, author, signer, expected })
    }

    /// `opening-grant=N [operator=KEY]`
    fn found(text: &str) -> Option<Step> {
        let (mut opening_grant, mut operator) = (0, None);
        let mut currency = Currency::default();
        for word in text.split_whitespace() {
            match word.split_once('=')? {
                ("opening-grant", value) => opening_grant = value.parse().ok()?,
                ("operator", key) => operator = Some(key.to_owned()),
                ("currency", name) => currency.name = Currency::checked_name(name)?,
                ("scale", scale) => currency.scale = Currency::checked_scale(scale.parse().ok()?)?,
                _ => return None,
            }
        }
        Some(Step::Found { opening_grant, operator, currency })
    }

    fn check(text: &str) -> Option<Step> {
        let (question, answer) = text.split_once(" = ")?;
        let words: Vec<&str> = question.split_whitespace().collect();
        let question = match *words.as_slice() {
            ["accounts"] => Question::Accounts,
            ["handle", handle] => Question::Handle(handle.to_owned()),
            ["key", key] => Question::Key(key.to_owned()),
            ["orders"] => Question::Orders,
            ["issued"] => Question::Issued,
            ["operators"] => Question::Operators,
            ["balance", "of", account] => Question::BalanceOf(account.parse().ok()?),
            ["orders", "of", account] => Question::OrdersOf(account.parse().ok()?),
            _ => return None,
        };
        Some(Step::Check(Check { question, answer: answer.trim().to_owned() }))
    }
}

/// Takes a file apart.
pub(super) fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        if word == "scenario" {
            scenarios.push(Scenario { title: rest.to_owned(), lines: Vec::new() });
            continue;
        }
        let step = match word {
            "ledger" => Step::found(rest),
            "given" | "when" => Step::ask(rest),
            "then" => Step::check(rest),
            _ => None,
        };
        let step = step.unwrap_or_else(|| panic!("{place}: no such step: {line}"));
        let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("{place}: a step outside a scenario"));
        scenario.lines.push(Line { place, is_given: word == "given", step });
    }
    for scenario in &scenarios {
        let asks = scenario.lines.iter().any(|line| !line.is_given && matches!(line.step, Step::Ask { .. }));
        assert!(asks, "{file}: nothing happens in {:?}", scenario.title);
    }
    scenarios
}

/// Words between blanks, and every comma; what stands between single quotes is one word, without the quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut started, mut quoted) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '\'' => (quoted, started) = (!quoted, true),
            ' ' | ',' if !quoted => {
                if std::mem::take(&mut started) {
                    words.push(std::mem::take(&mut word));
                }
                if c == ',' {
                    words.push(",".to_owned());
                }
            }
            _ => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

fn expected_outcome(text: &str) -> Option<Expected> {
    match text.split_once(' ') {
        None if text == "undecodable" => Some(Expected::Undecodable),
        Some(("account", number)) => Some(Expected::Account(number.parse().ok()?)),
        Some(("balance", number)) => Some(Expected::Balance(number.parse().ok()?)),
        Some(("settled", number)) => Some(Expected::Settled(number.parse().ok()?)),
        Some(("cheque_revoked", number)) => Some(Expected::ChequeRevoked(number.parse().ok()?)),
        Some(("vouched", number)) => Some(Expected::Vouched(number.parse().ok()?)),
        Some(("holders", number)) => Some(Expected::Holders(number.parse().ok()?)),
        Some(("first_order", number)) => Some(Expected::FirstOrder(number.parse().ok()?)),
        Some(("refused", reason)) => {
            let (name, sentence) = match reason.split_once(": ") {
                Some((name, sentence)) => (name, Some(sentence.to_owned())),
                None => (reason, None),
            };
            Some(Expected::Refused { name: name.to_owned(), sentence })
        }
        _ => None,
    }
}

/// `none`, or payments separated by commas, each perhaps repeated: `2 x 7 50 'for lunch'`.
fn payments(words: &[String]) -> Option<Vec<RawPayment>> {
    if words == ["none"] {
        return Some(Vec::new());
    }
    let mut payments = Vec::new();
    for words in words.split(|word| word == ",") {
        let (times, words) = match words {
            [times, x, rest @ ..] if x == "x" => (times.parse().ok()?, rest),
            _ => (1, words),
        };
        let (to, amount, memo) = match words {
            [to, amount] => (to, amount, String::new()),
            [to, amount, memo] => (to, amount, memo.replace("\\n", "\n")),
            _ => return None,
        };
        let payment = RawPayment { to: to.parse().ok()?, amount: amount.parse().ok()?, memo };
        payments.extend(std::iter::repeat_n(payment, times));
    }
    Some(payments)
}

/// `payer amount [cheque N] [payee N] [expires SECONDS] [key NAME] [ledger N] ['memo']`: cheque 1 to whoever settles
/// it, good for a minute, unless it says otherwise.
fn cheque(words: &[String], author: u64) -> Option<RawCheque> {
    let [payer, amount, rest @ ..] = words else { return None };
    let mut cheque = RawCheque {
        payer: payer.parse().ok()?,
        key: payer.clone(),
        payee: author,
        amount: amount.parse().ok()?,
        cheque: 1,
        expires: 60,
        memo: String::new(),
        ledger: LEDGER,
    };
    for pair in rest.chunks(2) {
        match pair {
            [name, value] if name == "cheque" => cheque.cheque = value.parse().ok()?,
            [name, value] if name == "payee" => cheque.payee = value.parse().ok()?,
            [name, value] if name == "expires" => cheque.expires = value.parse().ok()?,
            [name, value] if name == "key" => cheque.key = value.clone(),
            [name, value] if name == "ledger" => cheque.ledger = value.parse().ok()?,
            [memo] => cheque.memo = memo.replace("\\n", "\n"),
            _ => return None,
        }
    }
    Some(cheque)
}

/// `none`, or orders separated by commas, each perhaps repeated: `8192 x buy AAPL 1`.
fn orders<O: Clone>(words: &[String], order: impl Fn(&[String]) -> Option<O>) -> Option<Vec<O>> {
    if words == ["none"] {
        return Some(Vec::new());
    }
    let mut orders = Vec::new();
    for words in words.split(|word| word == ",") {
        let (times, words) = match words {
            [times, x, rest @ ..] if x == "x" => (times.parse().ok()?, rest),
            _ => (1, words),
        };
        orders.extend(std::iter::repeat_n(order(words)?, times));
    }
    Some(orders)
}

/// The words of an order: `buy AAPL 3`, `sell BRK.B 1 @ 12.50`, `buy AAPL 3 @ 12.50 USD`.
struct Words<'a> {
    operation: RawOperation,
    stock_name: String,
    quantity: &'a str,
    price: Option<(&'a str, Option<&'a str>)>,
}

fn words_of(words: &[String]) -> Option<Words<'_>> {
    let (head, price) = match words {
        [head @ .., at, amount] if at == "@" => (head, Some((amount.as_str(), None))),
        [head @ .., at, amount, currency] if at == "@" => {
            (head, Some((amount.as_str(), Some(currency.as_str()))))
        }
        _ => (words, None),
    };
    let [operation, stock_name, quantity] = head else { return None };
    let operation = match operation.as_str() {
        "buy" => RawOperation::Buy,
        "sell" => RawOperation::Sell,
        "hold" => RawOperation::Hold,
        _ => return None,
    };
    Some(Words { operation, stock_name: stock_name.clone(), quantity, price })
}

fn order(words: &[String]) -> Option<RawOrder> {
    let Words { operation, stock_name, quantity, price } = words_of(words)?;
    let currency = price.and_then(|(_, currency)| currency).unwrap_or_default().to_owned();
    let price = match price {
        None => None,
        Some((amount, _)) => Some(decimal(amount)?),
    };
    Some(RawOrder { operation, stock_name, quantity: decimal(quantity)?, price, currency })
}

/// Digits as they stand there, zeros at their end included.
fn decimal(text: &str) -> Option<RawDecimal> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    Some(RawDecimal { mantissa: format!("{whole}{decimals}").parse().ok()?, scale: decimals.len() as u8 })
}

fn order_v1(words: &[String]) -> Option<RawOrderV1> {
    let Words { operation, stock_name, quantity, price } = words_of(words)?;
    let price = match price {
        None => None,
        Some((amount, currency)) => Some(RawPriceV1 {
            ten_thousandths: ten_thousandths(amount)?,
            currency: match currency {
                None => None,
                Some(code) => Some(code.as_bytes().try_into().ok()?),
            },
        }),
    };
    Some(RawOrderV1 { operation, stock_name, quantity: quantity.parse().ok()?, price })
}

fn ten_thousandths(amount: &str) -> Option<u64> {
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, ""));
    if decimals.len() > 4 {
        return None;
    }
    format!("{whole}{decimals:0<4}").parse().ok()
}

/// A role by its name, or by a number that may be nobody's.
fn role_number(word: &str) -> Option<u8> {
    match word {
        "operator" => Some(0),
        "witness" => Some(3),
        number => number.parse().ok(),
    }
}
