//! The addresses of one server: a server is known by its ledger and its log key, and may be found at several places.

use std::fmt;
use std::str::FromStr;

use crate::client::ClientError;

/// At least one HOST:PORT, none twice, in an order that means something to whoever holds the list. As a text they stand
/// with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    first: String,
    others: Vec<String>,
}

impl Addresses {
    /// This one and no other. It is one of a list, or was found in one.
    pub(super) fn of_one(address: &str) -> Addresses {
        Addresses { first: address.to_owned(), others: Vec::new() }
    }

    /// The first one.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first).chain(&self.others).map(String::as_str)
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: &str) -> bool {
        self.iter().any(|known| known == address)
    }

    /// The same with this address in front, whether it was among them or not.
    #[must_use]
    pub fn beginning_with(&self, address: &str) -> Addresses {
        let others = self.iter().filter(|known| *known != address).map(str::to_owned).collect();
        Addresses { first: address.to_owned(), others }
    }

    /// The same with this address at the end, unless it is among them.
    #[must_use]
    pub(super) fn with(&self, address: &str) -> Addresses {
        let mut more = self.clone();
        if !more.contains(address) {
            more.others.push(address.to_owned());
        }
        more
    }

    /// The same without this address; none where no other is left.
    pub(super) fn without(&self, address: &str) -> Option<Addresses> {
        let mut left = self.iter().filter(|known| *known != address).map(str::to_owned);
        let first = left.next()?;
        Some(Addresses { first, others: left.collect() })
    }
}

impl FromStr for Addresses {
    type Err = ClientError;

    /// Reads HOST:PORT, or several with commas between them. Blanks around an address mean nothing, and an address
    /// that is named twice counts once.
    fn from_str(text: &str) -> Result<Addresses, ClientError> {
        let mut named = text.split(',').map(str::trim);
        let first = named.next().unwrap_or_default();
        check_form(first)?;
        let mut addresses = Addresses::of_one(first);
        for address in named {
            check_form(address)?;
            addresses = addresses.with(address);
        }
        Ok(addresses)
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first)?;
        self.others.iter().try_for_each(|address| write!(f, ",{address}"))
    }
}

/// Whether a text can be an address at all: what cannot is a mistake at the keyboard, while a name that nobody knows may
/// be known later.
///
/// # Errors
/// [`ClientError::Usage`] with the text and what was expected.
pub(super) fn check_form(address: &str) -> Result<(), ClientError> {
    let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
    let is_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    if is_port && !address.contains(|sign: char| sign.is_whitespace() || sign == ',') {
        return Ok(());
    }
    Err(ClientError::Usage(format!(
        "{address:?}: expected HOST:PORT, such as 127.0.0.1:7878; several addresses of one server stand with commas \
         between them"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Addresses {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_is_read_in_its_order_and_each_address_once() {
        let list = read("b:2, a:1,b:2 ,[::1]:3");
        assert_eq!(list.to_string(), "b:2,a:1,[::1]:3");
        assert_eq!(read(&list.to_string()), list);
        assert_eq!((list.first(), list.iter().count()), ("b:2", 3));
    }

    #[test]
    fn what_is_no_address_is_named() {
        for text in ["", "a", ":1", "a:", "a:x", "a:70000", "a:1,", ",a:1", "a:1,,b:2", "a b:1"] {
            match text.parse::<Addresses>() {
                Err(ClientError::Usage(said)) => assert!(said.contains("expected HOST:PORT"), "{said}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_address_comes_to_the_front_to_the_end_and_out_of_the_list() {
        let list = read("a:1,b:2,c:3");
        assert_eq!(list.beginning_with("c:3"), read("c:3,a:1,b:2"));
        assert_eq!(list.beginning_with("d:4"), read("d:4,a:1,b:2,c:3"));
        assert_eq!(list.with("a:1"), list);
        assert_eq!(list.with("d:4"), read("a:1,b:2,c:3,d:4"));
        assert_eq!(list.without("a:1"), Some(read("b:2,c:3")));
        assert_eq!(list.without("d:4"), Some(list));
        assert_eq!(read("a:1").without("a:1"), None);
    }
}
