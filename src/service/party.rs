//! The parties among whom the loop's time, its memory and the lines of its log are shared. A member is one party over all of
//! its connections, because connections cost nothing. All who have no account and come from one network are one party,
//! too.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::AccountId;

/// A member, over however many connections, or all who have no account and come from one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// A member.
    Member(AccountId),
    /// Whoever comes from this network.
    Stranger(Prefix),
}

/// A network: what one subscriber usually has, the first 24 bits of an IPv4 address or the first 64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Prefix {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 64 bits.
    V6([u8; 8]),
}

impl Prefix {
    /// The network of an address. An IPv4 address that is written as IPv6 counts as what it is.
    pub(super) fn of(address: IpAddr) -> Prefix {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Prefix::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Prefix::V6([a, b, c, d, e, f, g, h])
            }
        }
    }

    /// Whether this is the machine itself: whoever sits there shares it with the daemon anyway.
    pub(super) fn is_loopback(self) -> bool {
        self == Prefix::of(Ipv4Addr::LOCALHOST.into()) || self == Prefix::of(Ipv6Addr::LOCALHOST.into())
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Member(account) => write!(f, "account {account}"),
            Party::Stranger(prefix) => write!(f, "strangers from {prefix}"),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prefix::V4([a, b, c]) => write!(f, "{a}.{b}.{c}.0/24"),
            Prefix::V6(first) => {
                let mut octets = [0; 16];
                octets.iter_mut().zip(first).for_each(|(octet, known)| *octet = *known);
                write!(f, "{}/64", Ipv6Addr::from(octets))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> String {
        Prefix::of(address.parse().unwrap()).to_string()
    }

    #[test]
    fn a_network_is_24_bits_of_ipv4_and_64_of_ipv6_however_it_is_written() {
        assert_eq!(of("192.0.2.7"), "192.0.2.0/24");
        assert_eq!(of("::ffff:192.0.2.99"), "192.0.2.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_ne!(of("192.0.2.7"), of("192.0.3.7"));
        for (address, own) in
            [("127.0.0.1", true), ("::1", true), ("10.0.0.1", false), ("2001:db8::1", false)]
        {
            assert_eq!(Prefix::of(address.parse().unwrap()).is_loopback(), own, "{address}");
        }
    }
}
