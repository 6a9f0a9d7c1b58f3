//! Logs: one line per lifecycle event, none per message, to standard error.

use std::io;

use ternmq_configuration::LogLevel;
use tracing_subscriber::EnvFilter;

/// Form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging for the process. `TERNMQ_LOG` sets the level, without it `level` does. A second call changes nothing.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let filter = EnvFilter::try_from_env("TERNMQ_LOG").unwrap_or_else(|_| EnvFilter::new(directive(level)));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // Logging that runs already, in a test for example, stays as it is.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

fn directive(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warn",
        LogLevel::Error => "error",
        LogLevel::None => "off",
    }
}
