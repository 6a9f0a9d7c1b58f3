//! Blocks of addresses, as rules of security groups name them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `address/prefix`, with an address that has no bits beyond the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CidrError {
    /// No `address/prefix`.
    #[error("expected ADDRESS/PREFIX, for example 10.0.0.0/8 or 2001:db8::/32")]
    Form,
    /// Longer than the address.
    #[error("the prefix is longer than the address: at most 32 for IPv4 and 128 for IPv6")]
    Prefix,
    /// The address is not the first one of the block.
    #[error("the address has bits beyond the prefix; the block begins at {0}")]
    HostBits(IpAddr),
}

impl Cidr {
    /// Every IPv4 address.
    pub const ALL_V4: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 0 };
    /// Every IPv6 address.
    pub const ALL_V6: Self = Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix: 0 };

    /// The block that begins at `address`.
    ///
    /// # Errors
    /// [`CidrError::Prefix`], [`CidrError::HostBits`].
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, CidrError> {
        let first = match address {
            IpAddr::V4(v4) => {
                if prefix > 32 {
                    return Err(CidrError::Prefix);
                }
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::from(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                if prefix > 128 {
                    return Err(CidrError::Prefix);
                }
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::from(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        if first == address { Ok(Self { address, prefix }) } else { Err(CidrError::HostBits(first)) }
    }

    /// Whether it is a block of IPv4 addresses.
    #[must_use]
    pub const fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, prefix) = text.split_once('/').ok_or(CidrError::Form)?;
        let address = address.parse().map_err(|_| CidrError::Form)?;
        let is_plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| is_plain).ok_or(CidrError::Form)?;
        Self::new(address, prefix)
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(block: Cidr) -> Self {
        block.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_and_shown() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.168.1.7/32", "::/0", "2001:db8::/32", "::1/128"] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        assert_eq!("0.0.0.0/0".parse(), Ok(Cidr::ALL_V4));
        assert_eq!("::/0".parse(), Ok(Cidr::ALL_V6));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for (text, expect) in [
            ("10.0.0.0", CidrError::Form),
            ("10.0.0/8", CidrError::Form),
            ("10.0.0.0/+8", CidrError::Form),
            ("10.0.0.0/", CidrError::Form),
            ("10.0.0.0/33", CidrError::Prefix),
            ("::/129", CidrError::Prefix),
            ("10.0.0.1/8", CidrError::HostBits(IpAddr::from([10, 0, 0, 0]))),
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(expect), "{text}");
        }
    }
}
