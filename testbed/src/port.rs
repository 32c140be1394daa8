//! In: nothing. Out: a loopback port that nobody listens on right now.
//! It cannot be reserved: whoever starts a server on it tries again with another when it is taken.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// Below the ports that the kernel gives to outgoing connections: with one of those, a client that
/// knocks while the server is down can be connected to itself, and keeps the port.
const RANGE: std::ops::Range<u16> = 20_000..30_000;

/// A port on which nobody listens.
pub(crate) fn free() -> Result<u16> {
    for _ in 0..1000 {
        let port = RANGE.start + random_below(RANGE.end - RANGE.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("could not find a free port on 127.0.0.1 in {RANGE:?} in 1000 tries");
}

fn random_below(bound: u16) -> u16 {
    let random = random() % u64::from(bound);
    u16::try_from(random).expect("a remainder is smaller than its divisor, a u16")
}

/// A number that differs from call to call and from process to process.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_given_out() {
        let taken: Vec<_> = (0..50)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free().unwrap())).unwrap())
            .collect();
        let ports: std::collections::BTreeSet<_> =
            taken.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
    }
}
