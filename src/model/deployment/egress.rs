//! What gateways may connect to beside servers and each other: addresses outside of the cluster, or pods in it.

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::source::Loc;

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// Where it is written.
    pub loc: Loc,
    /// What it is.
    pub to: Destination,
    /// TCP port, 1 to 65535.
    pub port: u16,
}

impl core::fmt::Display for Egress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.to {
            Destination::Addresses(range) => write!(f, "`{range}`")?,
            Destination::Pods { namespace, labels } => {
                let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let those = if labels.is_empty() { String::new() } else { format!(" with `{}`", labels.join(",")) };
                write!(f, "the pods of `{namespace}`{those}")?;
            }
        }
        write!(f, " at port {}", self.port)
    }
}

/// What a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Addresses.
    Addresses(Cidr),
    /// The pods of a namespace with these labels, or all of them.
    Pods {
        /// The namespace.
        namespace: String,
        /// The labels.
        labels: BTreeMap<String, String>,
    },
}

/// A range of addresses: `203.0.113.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// The first address.
    pub first: IpAddr,
    /// How many leading bits all addresses share.
    pub prefix: u8,
}

/// The fewest leading bits that a range must share: less is most of the Internet.
const FEWEST: (u8, u8) = (8, 16);

impl Cidr {
    /// Reads a range.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "is not a range of addresses like `203.0.113.0/24`".to_owned();
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        if matches!(first, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
            return Err("is a range of IPv4 in the form of IPv6, which Kubernetes refuses: write it as IPv4".to_owned());
        }
        let plain = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_digit());
        let prefix: u8 = prefix.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
        let (bits, fewest) = if first.is_ipv4() { (32, FEWEST.0) } else { (128, FEWEST.1) };
        if prefix > bits {
            return Err(wrong());
        }
        if prefix < fewest {
            return Err(format!("holds too many addresses: the prefix is at least {fewest}"));
        }
        let found = Self { first, prefix };
        if found.contains(first) && found.cut(first) == number(first) {
            return Ok(found);
        }
        Err(format!("has bits set beyond the prefix of {prefix}"))
    }

    /// Whether an address is in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && self.cut(address) == self.cut(self.first)
    }

    /// The number of an address without the bits that the range leaves open.
    fn cut(&self, address: IpAddr) -> u128 {
        let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
        let open = bits.saturating_sub(u32::from(self.prefix));
        let mask = u128::MAX.checked_shl(open).unwrap_or(0);
        number(address) & mask
    }
}

impl core::fmt::Display for Cidr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_exact_and_never_the_internet() {
        let range = Cidr::parse("203.0.113.0/24").unwrap();
        let within = |text: &str| range.contains(text.parse().unwrap());
        assert!(within("203.0.113.0") && within("203.0.113.255"));
        assert!(!within("203.0.112.255") && !within("203.0.114.0") && !within("::ffff:203.0.113.1"));
        assert_eq!(range.to_string(), "203.0.113.0/24");
        let six = Cidr::parse("2001:db8::/32").unwrap();
        assert!(six.contains("2001:db8::7".parse().unwrap()) && !six.contains("2001:db9::".parse().unwrap()));
        assert!(Cidr::parse("203.0.113.7/32").unwrap().contains("203.0.113.7".parse().unwrap()));
        for bad in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3", "203.0.113.7/24", "203.0.113.0/33"] {
            assert!(Cidr::parse(bad).is_err(), "{bad}");
        }
        for bad in ["::ffff:10.0.0.0/104", "203.0.113.0", "a/8", "203.0.113.0/", "203.0.113.0/+8", "10.0.0.0/8/8", ""] {
            assert!(Cidr::parse(bad).is_err(), "{bad}");
        }
    }
}
