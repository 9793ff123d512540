//! Checks that a port is open to this machine only, because an emulator needs no password.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Result, bail};

/// The state LISTEN in the kernel's tables.
const LISTEN: &str = "0A";

/// Fails if a server listens on one of `ports` on another address than loopback, or if none listens. Systems without these
/// tables rely on `loopback.cjs`.
pub(super) fn assert_loopback(ports: &[u16]) -> Result<()> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables: Vec<String> =
        tables.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    if tables.is_empty() {
        return Ok(());
    }
    for &port in ports {
        let addresses: Vec<IpAddr> =
            tables.iter().flat_map(|table| listeners(table, port)).collect();
        if addresses.is_empty() {
            bail!("nothing listens on port {port}, where kinesis-local should be");
        }
        if let Some(open) = addresses.iter().find(|address| !is_loopback(**address)) {
            bail!("port {port} of kinesis-local is open on {open}, not only on this machine");
        }
    }
    Ok(())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The addresses on which `port` is listened on, by a table in the form of `/proc/net/tcp`.
fn listeners(table: &str, port: u16) -> Vec<IpAddr> {
    let listener = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (address, local_port) = fields.next()?.split_once(':')?;
        let state = fields.nth(1)?;
        let here = u16::from_str_radix(local_port, 16).ok()? == port;
        (here && state == LISTEN).then(|| address_of(address)).flatten()
    };
    table.lines().filter_map(listener).collect()
}

/// The kernel prints an address as 32-bit words, in the machine's own byte order.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).into());
    }
    let words = [word(0)?, word(8)?, word(16)?, word(24)?];
    let bytes: [u8; 16] = words.concat().try_into().ok()?;
    Some(Ipv6Addr::from(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{address_of, is_loopback, listeners};

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_read_in_the_machines_byte_order() {
        assert_eq!(address_of("0100007F"), Some(IpAddr::from([127, 0, 0, 1])));
        let v6 = "B80D01200000000067452301EFCDAB89";
        assert_eq!(address_of(v6), "2001:db8::123:4567:89ab:cdef".parse().ok());
        assert_eq!(address_of("0100"), None);
    }

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
             \x20  0: 00000000:11D8 00000000:0000 0A 00000000\n\
             \x20  1: 0100007F:11D8 0100007F:9C40 01 00000000\n\
             \x20  2: 0100007F:11D9 00000000:0000 0A 00000000\n";
        assert_eq!(listeners(table, 4568), [IpAddr::from([0, 0, 0, 0])]);
        assert_eq!(listeners(table, 4569).len(), 1);
        assert!(listeners(table, 80).is_empty());
    }

    #[test]
    fn loopback_is_loopback_in_either_family() {
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(address.parse().unwrap()), "{address}");
        }
        for address in ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1"] {
            assert!(!is_loopback(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_port_that_is_open_to_the_network_is_refused() {
        use std::net::TcpListener;

        use super::assert_loopback;

        let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
        let local = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_loopback(&[port(&local)]).unwrap();
        let open = TcpListener::bind("0.0.0.0:0").unwrap();
        let error = assert_loopback(&[port(&open)]).unwrap_err().to_string();
        assert!(error.ends_with("is open on 0.0.0.0, not only on this machine"), "{error}");
    }
}
