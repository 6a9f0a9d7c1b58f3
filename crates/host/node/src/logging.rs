//! Logs: one line per lifecycle event, none per message, to standard error or to files.
//!
//! The target of a line says whose it is: `audit`, `connection`, anything else is general. Lines about connections that
//! come and go as they should have the target `connection::life`, and are written only to a log of connections.

use std::io;

use ternmq_configuration::LogLevel;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::error::StartError;
use crate::log_files::LogWriters;
use crate::options::{LogFiles, LogKind};

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
pub(crate) fn start(format: LogFormat, level: LogLevel, files: Option<&LogFiles>) -> Result<(), StartError> {
    let has_life = files.is_some_and(|files| files.kinds.contains(&LogKind::Connection));
    let filter =
        EnvFilter::try_from_env("TERNMQ_LOG").unwrap_or_else(|_| EnvFilter::new(directives(level, has_life)));
    match files {
        None => begin(format, filter, io::stderr, io::IsTerminal::is_terminal(&io::stderr())),
        Some(files) => {
            let cannot = |source| StartError::LogDir { path: files.dir.clone(), source };
            begin(format, filter, LogWriters::open(files).map_err(cannot)?, false);
        }
    }
    Ok(())
}

fn begin<W>(format: LogFormat, filter: EnvFilter, writer: W, has_colours: bool)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    // A line that can't be written is lost. To say so on the same full disk or closed pipe would end the thread.
    let lines = lines.log_internal_errors(false);
    // Logging that runs already, in a test for example, stays as it is.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(has_colours).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

fn directives(level: LogLevel, has_life: bool) -> String {
    let level = match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warn",
        LogLevel::Error => "error",
        LogLevel::None => "off",
    };
    if has_life { level.to_owned() } else { format!("{level},connection::life=off") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comings_and_goings_are_for_their_own_log() {
        assert_eq!(directives(LogLevel::Info, false), "info,connection::life=off");
        assert_eq!(directives(LogLevel::Info, true), "info");
    }
}
