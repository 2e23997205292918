//! Which addresses a member may say that it listens at: whoever is told one connects to it, so none may point at
//! somebody who has nothing to do with the ledger, or at many at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses beyond the link-local ones at which providers of machines answer questions about the machine itself
/// (Alibaba Cloud, Azure, Oracle Cloud; Amazon over IPv6): a connection to them is made with the rights of whoever
/// dials.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// See [`METADATA_V4`].
const METADATA_V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)];

/// Why an address is none to dial; a noun for a sentence. `near` says whether those who are told of it are on the same
/// machine, as far as can be seen: nobody else can mean a loopback address.
///
/// # Errors
/// What kind of address it is.
pub fn check_dialled(ip: IpAddr, near: bool) -> Result<(), &'static str> {
    match ip {
        IpAddr::V4(v4) => check_v4(v4, near),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => check_v4(v4, near),
            None => check_v6(v6, near),
        },
    }
}

fn check_v4(ip: Ipv4Addr, near: bool) -> Result<(), &'static str> {
    let [first, ..] = ip.octets();
    match ip {
        _ if ip.is_broadcast() => Err("a broadcast address"),
        _ if ip.is_multicast() => Err("a multicast address"),
        _ if ip.is_link_local() => Err("a link-local address"),
        _ if METADATA_V4.contains(&ip) => Err("the address of a machine's metadata"),
        _ if first == 0 || first >= 240 => Err("an address that is nobody's"),
        _ if ip.is_loopback() && !near => Err("a loopback address"),
        _ => Ok(()),
    }
}

fn check_v6(ip: Ipv6Addr, near: bool) -> Result<(), &'static str> {
    match ip {
        _ if ip.is_multicast() => Err("a multicast address"),
        _ if ip.is_unicast_link_local() => Err("a link-local address"),
        _ if METADATA_V6.contains(&ip) => Err("the address of a machine's metadata"),
        _ if ip.is_unspecified() => Err("an address that is nobody's"),
        _ if ip.is_loopback() && !near => Err("a loopback address"),
        _ => Ok(()),
    }
}

/// The IPv4 address that a connection to this IPv6 address may end at: mapped and compatible forms (RFC 4291, section
/// 2.5.5), translated ones (RFC 6052, 64:ff9b::/96), 6to4 (RFC 3056, 2002::/16).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., c, d] = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        // The unspecified and the loopback address are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(v4(c, d)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, near: bool) -> bool {
        check_dialled(text.parse().unwrap(), near).is_err()
    }

    #[test]
    fn an_address_that_points_at_others_is_none_to_dial_in_whichever_form() {
        for v4 in [
            "224.0.0.1",
            "239.9.9.9",
            "255.255.255.255",
            "169.254.169.254",
            "169.254.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "240.0.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
        ] {
            let octets = v4.parse::<Ipv4Addr>().unwrap().octets();
            let [a, b, c, d] = octets;
            let hex = format!("{a:02x}{b:02x}:{c:02x}{d:02x}");
            for form in
                [v4.to_owned(), format!("::ffff:{v4}"), format!("64:ff9b::{hex}"), format!("2002:{hex}::1")]
            {
                assert!(refused(&form, true), "{form}");
            }
            assert!(a == 0 || refused(&format!("::{v4}"), true), "{v4}");
        }
        for v6 in ["ff02::1", "ff05::2", "fe80::1", "febf::1", "fd00:ec2::254", "::"] {
            assert!(refused(v6, true), "{v6}");
        }
    }

    #[test]
    fn a_loopback_address_is_for_those_on_the_same_machine() {
        for ip in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(!refused(ip, true) && refused(ip, false), "{ip}");
        }
    }

    #[test]
    fn everybody_elses_addresses_are_dialled() {
        for ip in [
            "192.168.1.9",
            "10.0.0.1",
            "203.0.113.7",
            "100.64.0.1",
            "2001:db8::1",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!refused(ip, false), "{ip}");
        }
    }
}
