//! Answers for one question: may the host connect to this address on a plugin's behalf?
//!
//! The lists are IANA's special-purpose registries (RFC 6890 and its successors) plus the addresses at which clouds serve
//! their metadata. For IPv6 the default is refusal: only what lies in the one range that is given out for global unicast
//! (`2000::/3`), or stands for a public IPv4 address by NAT64, can pass.
//!
//! Invariants: an address is refused unless it is globally routable; an IPv4 address cannot get past its own rule by being
//! written inside an IPv6 one; a refusal says why, for the operator's log and never for the plugin.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

/// Judges one address. An error says why the host must not connect to it.
pub fn judge(address: IpAddr) -> Result<(), Refused> {
    match address {
        IpAddr::V4(address) => judge_v4(address),
        IpAddr::V6(address) => judge_v6(address),
    }
}

/// The address that is meant: an IPv4 address in place of the IPv6 one that stands for it (mapped, or by NAT64).
pub(crate) fn meant(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if (u128::from(v6) ^ NAT64) >> 32 == 0 => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        other => other,
    }
}

/// First address, length of the prefix, reason. The first that matches gives the reason.
type V4Net = ([u8; 4], u32, &'static str);
type V6Net = ([u16; 8], u32, &'static str);

const V4: &[V4Net] = &[
    ([0, 0, 0, 0], 32, "unspecified"),
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 100, 100, 200], 32, "cloud metadata"),
    ([100, 64, 0, 0], 10, "carrier-grade NAT"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([168, 63, 129, 16], 32, "cloud metadata"),
    ([169, 254, 169, 254], 32, "cloud metadata"),
    ([169, 254, 170, 2], 32, "cloud metadata"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 192], 32, "cloud metadata"),
    ([192, 0, 0, 0], 24, "protocol assignments"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 88, 99, 0], 24, "6to4 relay"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "benchmarking"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([255, 255, 255, 255], 32, "broadcast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

const V6: &[V6Net] = &[
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4-mapped"),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible"),
    ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "IPv4-translated"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "local NAT64"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo"),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "benchmarking"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4"),
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, "returned 6bone range"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation"),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing"),
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, "cloud metadata"),
    ([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, "cloud metadata"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

/// RFC 6052's well-known prefix, `64:ff9b::/96`.
const NAT64: u128 = 0x0064_ff9b << 96;
/// `2000::/3`, all that is given out for global unicast.
const GLOBAL_UNICAST: u128 = 0x2000 << 112;

fn judge_v4(address: Ipv4Addr) -> Result<(), Refused> {
    let within = |net: &V4Net| (u32::from(address) ^ u32::from(Ipv4Addr::from(net.0))) >> (32 - net.1) == 0;
    match V4.iter().find(|net| within(net)) {
        Some((_, _, reason)) => Err(Refused(reason)),
        None => Ok(()),
    }
}

fn judge_v6(address: Ipv6Addr) -> Result<(), Refused> {
    let bits = u128::from(address);
    if (bits ^ NAT64) >> 32 == 0 {
        return judge(meant(address.into()));
    }
    let within = |net: &V6Net| (bits ^ u128::from(Ipv6Addr::from(net.0))) >> (128 - net.1) == 0;
    if let Some((_, _, reason)) = V6.iter().find(|net| within(net)) {
        return Err(Refused(reason));
    }
    if (bits ^ GLOBAL_UNICAST) >> 125 != 0 {
        return Err(Refused("not global unicast"));
    }
    // ISATAP (RFC 5214): an interface id of 0000:5efe or 0200:5efe and then an IPv4 address.
    if address.segments()[5] == 0x5efe && matches!(address.segments()[4], 0 | 0x200) {
        return Err(Refused("ISATAP"));
    }
    Ok(())
}
