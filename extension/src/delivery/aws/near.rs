//! Recognises hosts on this machine.

use std::net::{IpAddr, Ipv6Addr};

/// True if a host cannot be on another machine. This holds for loopback addresses, for link-local addresses, where the
/// endpoints of Lambda and containers are, and for the local address of EKS.
pub(super) fn is_near(host: &str) -> bool {
    const EKS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unicast_link_local() || address == EKS
        }
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
