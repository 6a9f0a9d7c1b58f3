//! Why a node does not start or ends badly. Each text is one line for the person at the terminal.

use std::path::{Path, PathBuf};

use ternmq_journal::OpenError;
use ternmq_net::BindError;
use ternmq_stdx::chain;
use thiserror::Error;

/// Exit code after the journal failed (F3): the supervisor starts the node again, on another disk if need be.
pub const EXIT_JOURNAL: u8 = 74;
const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

/// Why a node does not run.
#[derive(Debug, Error)]
pub enum StartError {
    /// An option that cannot be served.
    #[error("{0}")]
    Usage(String),
    /// The configuration file cannot be read.
    #[error("cannot read the configuration file '{}': {source}; check the path given with --config", path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The configuration file says something wrong.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Where in it, what, and the mend.
        problem: String,
    },
    /// TLS cannot be offered as it was asked for.
    #[error("TLS cannot be offered: {0}")]
    Tls(String),
    /// Definitions that the configuration file names cannot be used.
    #[error("definitions '{}': {problem}", path.display())]
    Definitions {
        /// The file.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// The first user cannot be made as it was asked for.
    #[error("the first user cannot be made: {0}")]
    FirstUser(String),
    /// A destination that the configuration file names can't be made.
    #[error("a destination of the configuration file can't be made: {0}")]
    Provide(String),
    /// The password file cannot be read or holds no password.
    #[error("the password file '{}' {problem}", path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// The file that says who is let in cannot be used.
    #[error("the file '{}' of --accept-from {problem}", path.display())]
    AcceptFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// Log files cannot be written.
    #[error("cannot write logs in '{}': {source}; give this user write access or choose another with --log-dir", path.display())]
    LogDir {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The local channel cannot be opened.
    #[error("cannot listen on the control socket '{}': {source}; check the path given with --control-socket", path.display())]
    ControlSocket {
        /// Its path.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A key for encryption at rest cannot be used.
    #[error("the encryption key file '{}' {problem}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// The data directory is encrypted with a key that was not given (S13). Nothing was changed.
    #[error(
        "cannot open the data directory '{}': {source}; give the key with --encryption-key-file, and while keys are changed \
         the one before with --encryption-old-key-file",
        path.display()
    )]
    Key {
        /// The directory.
        path: PathBuf,
        /// Whether there was none or another one.
        source: OpenError,
    },
    /// The data directory cannot be used.
    #[error("cannot use the data directory '{}': {problem}; give this user read and write access or choose another with --data-dir", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        problem: String,
    },
    /// The journal in it cannot be opened.
    #[error("cannot start from the data directory '{}': {}", path.display(), chain(source))]
    Journal {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// It is what another engine wrote. Nothing was changed.
    #[error(
        "cannot start from the data directory '{}': it was written with --engine {wrote}; start it with that engine, or choose \
         another directory with --data-dir",
        path.display()
    )]
    OtherEngine {
        /// The directory.
        path: PathBuf,
        /// Name of that engine on the command line.
        wrote: String,
    },
    /// A record that this version does not understand.
    #[error("cannot start from the data directory '{}': {problem}; `ternmq doctor --data-dir {}` tells more", path.display(), path.display())]
    Replay {
        /// The directory.
        path: PathBuf,
        /// Which record and why.
        problem: String,
    },
    /// A part of the journal that a start has to read is damaged (F5). Nothing was changed.
    #[error(
        "cannot start from the data directory '{path}': {count} of what a start has to read of the journal {is} damaged, \
         the first {bytes} bytes at {from}; queues, messages or acknowledgements may be in it. Look at it with \
         `ternmq doctor --data-dir {path}` and restore a copy, or give --accept-damage to start without what is lost",
        path = path.display(),
        count = if *ranges == 1 { "a part".to_owned() } else { format!("{ranges} parts") },
        is = if *ranges == 1 { "is" } else { "are" },
    )]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// How many ranges.
        ranges: usize,
        /// Where the first one begins in the log.
        from: u64,
        /// Its length.
        bytes: u64,
    },
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The ports file cannot be written.
    #[error("cannot write the ports file '{}': {source}; check the path given with --ports-file", path.display())]
    PortsFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The system refuses something else.
    #[error("cannot {what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl StartError {
    /// Code with which the process ends.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::ConfigFile { .. }
            | Self::Config { .. }
            | Self::Tls(_)
            | Self::AcceptFile { .. }
            | Self::Definitions { .. }
            | Self::FirstUser(_)
            | Self::Provide(_) => EXIT_USAGE,
            Self::PasswordFile { .. }
            | Self::KeyFile { .. }
            | Self::Key { .. }
            | Self::DataDir { .. }
            | Self::Journal { .. }
            | Self::Replay { .. }
            | Self::OtherEngine { .. }
            | Self::Damaged { .. }
            | Self::Bind(_)
            | Self::LogDir { .. }
            | Self::ControlSocket { .. }
            | Self::PortsFile { .. }
            | Self::System { .. } => EXIT_FAILED,
        }
    }

    /// For a journal that does not open.
    pub(crate) fn journal(path: &Path, source: OpenError) -> Self {
        let path = path.into();
        match source {
            OpenError::KeyMissing | OpenError::WrongKey { .. } => Self::Key { path, source },
            source => Self::Journal { path, source },
        }
    }

    /// For mapping a system's refusal.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
