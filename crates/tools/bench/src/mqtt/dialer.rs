//! Connecting thousands of times from one machine: files, ports, and no waiting.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    os::fd::OwnedFd,
};

use anyhow::{Context, Result, bail};
use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with, sockopt},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// Files that the tool has open beside its connections.
const OTHER_FILES: u64 = 64;
/// The last source address that is tried: the whole of 127.0.0.0/8 is this machine, and a handful is plenty.
const LAST_SOURCE: u8 = 254;

/// Makes sure that this process may have so many connections at once.
///
/// # Errors
/// The hard limit is below that.
pub(crate) fn allow_files(connections: usize) -> Result<()> {
    let needed = connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    // Absent: there is no limit.
    let suffices = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if suffices(limit.current) {
        return Ok(());
    }
    if !suffices(limit.maximum) {
        let allowed = limit.maximum.unwrap_or(u64::MAX);
        bail!(
            "{connections} connections need {needed} open files and this process may have {allowed}: raise the limit with \
             `ulimit -n {needed}` as root (the broker needs as many), or take fewer with --count"
        );
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("cannot raise the limit of open files to what is allowed")
}

/// Starts connections to one place.
pub(crate) struct Dialer {
    peer: SocketAddr,
    /// Address that connections come from; absent: what the system takes. On one machine each has its own set of ports.
    source: Option<Ipv4Addr>,
}

impl Dialer {
    /// Finds out which address of `endpoint` answers.
    pub(crate) fn new(endpoint: &str) -> Result<Self> {
        let probe = TcpStream::connect(endpoint).with_context(|| format!("no connection to {endpoint}"))?;
        Ok(Self { peer: probe.peer_addr()?, source: None })
    }

    /// Starts one; it may not be connected yet. When the ports run short for a broker on this machine, it comes from another address of
    /// the loopback network.
    pub(crate) fn dial(&mut self) -> Result<TcpStream> {
        loop {
            match start(self.peer, self.source) {
                Ok(socket) => return Ok(socket.into()),
                Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => self.source = Some(self.next_source()?),
                Err(Errno::MFILE | Errno::NFILE) => {
                    bail!(
                        "no more files can be opened: raise the limit with `ulimit -n`, or take fewer with --count"
                    )
                }
                Err(error) => return Err(error).with_context(|| format!("no connection to {}", self.peer)),
            }
        }
    }

    fn next_source(&self) -> Result<Ipv4Addr> {
        let last = self.source.map_or(1, |source| source.octets()[3]);
        if !matches!(self.peer.ip(), IpAddr::V4(ip) if ip.is_loopback()) || last >= LAST_SOURCE {
            bail!(
                "no local port is free for another connection to {}: widen net.ipv4.ip_local_port_range, or wait a minute until \
                 the ports of earlier connections are free",
                self.peer
            );
        }
        Ok(Ipv4Addr::new(127, 0, 0, last + 1))
    }
}

fn start(peer: SocketAddr, source: Option<Ipv4Addr>) -> Result<OwnedFd, Errno> {
    let family = if peer.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    if let Some(source) = source {
        bind(&socket, &SocketAddr::from((source, 0)))?;
    }
    match connect(&socket, &peer) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn other_sources_are_taken_for_a_peer_on_this_machine_only() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut dialer = Dialer::new(&listener.local_addr().unwrap().to_string()).unwrap();
        listener.accept().unwrap();
        dialer.source = Some(dialer.next_source().unwrap());
        let _stream = dialer.dial().unwrap();
        assert_eq!(listener.accept().unwrap().1.ip(), Ipv4Addr::new(127, 0, 0, 2));
        dialer.source = Some(Ipv4Addr::new(127, 0, 0, LAST_SOURCE));
        let error = dialer.next_source().unwrap_err().to_string();
        assert!(error.contains("ip_local_port_range"), "{error}");
        let elsewhere = Dialer { peer: "192.0.2.1:1883".parse().unwrap(), source: None };
        assert!(elsewhere.next_source().is_err());
    }

    #[test]
    fn more_files_than_are_allowed_are_refused_with_what_to_do() {
        allow_files(1).unwrap();
        if getrlimit(Resource::Nofile).maximum.is_some() {
            let error = allow_files(1 << 40).unwrap_err().to_string();
            assert!(error.contains("ulimit -n") && error.contains("--count"), "{error}");
        }
    }
}
