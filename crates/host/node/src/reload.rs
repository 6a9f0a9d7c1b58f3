//! Certificates are read again when their files change, or at a SIGHUP, without a restart. New ones count for the
//! connections that come from then on; broken ones change nothing.

use std::sync::Arc;
use std::time::Duration;

use ternmq_net::TlsServer;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior};

use crate::error::StartError;
use crate::tls_source::{Print, TlsSource};

/// How often the files are looked at.
const CHECK: Duration = Duration::from_secs(5);

/// Watches the files of some servers.
pub(crate) struct Reload {
    watched: Vec<Watched>,
    hangup: Signal,
    ticks: Interval,
}

struct Watched {
    source: TlsSource,
    server: Arc<TlsServer>,
    print: Print,
}

impl Reload {
    pub(crate) fn new(servers: Vec<(TlsSource, Arc<TlsServer>)>) -> Result<Self, StartError> {
        let mut ticks = tokio::time::interval(CHECK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watched = servers.into_iter().map(|(source, server)| {
            let print = source.print();
            Watched { source, server, print }
        });
        // Without certificates too: a hangup must not end a broker that others reload.
        let hangup = signal(SignalKind::hangup()).map_err(StartError::system("listen to signals"))?;
        Ok(Self { watched: watched.collect(), hangup, ticks })
    }

    /// Waits for the next occasion and takes it. May be dropped while it waits.
    pub(crate) async fn next(&mut self) {
        let is_told = tokio::select! {
            _ = self.hangup.recv() => true,
            _ = self.ticks.tick() => false,
        };
        for watched in &mut self.watched {
            watched.look(is_told);
        }
    }
}

impl Watched {
    /// A file that is broken is told once, not at every look.
    fn look(&mut self, is_told: bool) {
        let print = self.source.print();
        if print == self.print && !is_told {
            return;
        }
        self.print = print;
        let answer = self.source.read().map_err(|error| error.to_string());
        match answer.and_then(|options| self.server.replace(&options).map_err(|error| error.to_string())) {
            Ok(()) => tracing::info!("certificates were read again; new connections get them"),
            Err(problem) => {
                tracing::error!("certificates were not replaced, the old ones stay in use: {problem}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::self_signed;

    #[test]
    fn changed_files_count_and_broken_ones_change_nothing() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = self_signed::ensure(first.path()).unwrap().server;
        let other = self_signed::ensure(second.path()).unwrap().server;
        let source = TlsSource { pairs: vec![made.clone()], ..TlsSource::default() };
        let server = source.server().unwrap();
        let mut watched = Watched { print: source.print(), source, server: server.clone() };
        let mut check = |is_told, expect| {
            let before = server.rustls();
            watched.look(is_told);
            assert_eq!(!Arc::ptr_eq(&before, &server.rustls()), expect);
        };
        check(false, false);
        check(true, true);
        fs::copy(&other.0, &made.0).unwrap();
        // the certificate is new, the key is not yet
        check(false, false);
        check(false, false);
        fs::rename(&other.1, &made.1).unwrap();
        check(false, true);
        fs::remove_file(&made.0).unwrap();
        check(false, false);
    }
}
