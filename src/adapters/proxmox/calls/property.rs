//! Values that are written within values.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

/// An address with the length of its network's prefix, and the way out: `10.0.0.5/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressing {
    /// The guest's own address.
    pub address: IpAddr,
    /// Length of the network's prefix in bits.
    pub prefix: u8,
    /// The gateway, of the same family.
    pub gateway: Option<IpAddr>,
}

impl Addressing {
    /// As the API writes it: `ip=10.0.0.5/24,gw=10.0.0.1`, `ip6=` and `gw6=` for IPv6.
    pub(super) fn property(&self) -> String {
        let family = if self.address.is_ipv6() { "6" } else { "" };
        let mut text = format!("ip{family}={}/{}", self.address, self.prefix);
        if let Some(gateway) = self.gateway {
            // Writing to a String cannot fail.
            let _ = write!(text, ",gw{family}={gateway}");
        }
        text
    }
}

/// The bridge that a network card is plugged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plug {
    /// Name of the bridge or vnet: letters, digits, `-`, `_` and `.`.
    pub bridge: String,
    /// VLAN tag, 1 to 4094.
    pub vlan: Option<u16>,
    /// Whether the guest's firewall rules apply to it.
    pub firewall: bool,
}

impl Plug {
    pub(super) fn property(&self) -> String {
        let mut text = format!("bridge={}", self.bridge);
        if let Some(vlan) = self.vlan {
            // Writing to a String cannot fail.
            let _ = write!(text, ",tag={vlan}");
        }
        if self.firewall {
            text.push_str(",firewall=1");
        }
        text
    }
}

/// Tags as the API stores them: sorted, separated by `;`.
pub(super) fn tags(tags: &BTreeSet<String>) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(";")
}

/// `text` with everything but letters, digits and `-_.!~*'()` written as `%XX`: the API's own format
/// `urlencoded`, which the encoding of a form comes on top of.
pub(super) fn urlencoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len() * 2), |mut all, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
                all.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(all, "%{byte:02X}");
            }
            all
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_plugs_are_written_as_properties() {
        let addressing = |address: &str, prefix, gateway: Option<&str>| Addressing {
            address: address.parse().unwrap(),
            prefix,
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        };
        let v4 = addressing("10.0.0.5", 24, Some("10.0.0.1"));
        assert_eq!(v4.property(), "ip=10.0.0.5/24,gw=10.0.0.1");
        assert_eq!(addressing("fd00::5", 64, None).property(), "ip6=fd00::5/64");
        let plug = Plug {
            bridge: "vmbr0".to_owned(),
            vlan: Some(12),
            firewall: true,
        };
        assert_eq!(plug.property(), "bridge=vmbr0,tag=12,firewall=1");
    }

    #[test]
    fn keys_are_encoded_as_the_golden_transcript_has_them() {
        assert_eq!(
            urlencoded("ssh-ed25519 AAAA+/= me@x"),
            "ssh-ed25519%20AAAA%2B%2F%3D%20me%40x"
        );
    }
}
