//! Why a service does not start or ends badly. Each text is one line for the person at the terminal.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Why a service does not run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// An option that cannot be served.
    #[error("{0}")]
    Usage(String),
    /// The data directory can't be used.
    #[error("cannot use the data directory '{}': {problem}", path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// The administrator's keys can't be read or written.
    #[error("the credentials file '{}' {problem}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// The API's address can't be had.
    #[error(
        "cannot listen for the API on {address}: {problem}; choose another one with --listen api=ADDR:PORT"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        problem: std::io::Error,
    },
    /// The ports file can't be written.
    #[error("cannot write the ports file '{}': {problem}", path.display())]
    PortsFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        problem: std::io::Error,
    },
    /// A part of the service failed.
    #[error("{0}")]
    Service(String),
    /// The system refused something.
    #[error("cannot {what}: {problem}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        problem: std::io::Error,
    },
}

impl ServeError {
    /// Exit code of the process: 2 for what the person said, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |problem| Self::System { what, problem }
    }

    /// Of an error its text with those of its causes.
    pub(crate) fn service(error: &dyn std::error::Error) -> Self {
        Self::Service(ternmq_stdx::chain(error))
    }
}
