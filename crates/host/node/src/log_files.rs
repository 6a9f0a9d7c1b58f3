//! Log files: one for each kind, cut off at a size, with a few older parts beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use crate::options::{LogFiles, LogKind};

/// A part that has so many bytes is followed by a new one.
const PART_BYTES: u64 = 10 << 20;
/// Parts of a log that are kept, the one that is written among them.
const PARTS: u32 = 5;

/// A file that starts anew when it is full. What it was before has `.1` behind its name, what that was `.2`, and so on.
#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    part_bytes: u64,
    file: File,
    len_bytes: u64,
}

impl Rotating {
    fn open(path: PathBuf, part_bytes: u64) -> io::Result<Self> {
        let file = open_end(&path)?;
        let len_bytes = file.metadata()?.len();
        Ok(Self { path, part_bytes, file, len_bytes })
    }

    fn part(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..PARTS).rev() {
            let from = if number == 1 { self.path.clone() } else { self.part(number - 1) };
            match fs::rename(from, self.part(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open_end(&self.path)?;
        self.len_bytes = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.len_bytes > 0 && self.len_bytes.saturating_add(line.len() as u64) > self.part_bytes {
            self.rotate()?;
        }
        let written = self.file.write(line)?;
        self.len_bytes = self.len_bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open_end(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// The files of a node; a kind that is not wanted has none.
#[derive(Debug)]
pub(crate) struct LogWriters {
    general: Option<Mutex<Rotating>>,
    audit: Option<Mutex<Rotating>>,
    connection: Option<Mutex<Rotating>>,
}

impl LogWriters {
    pub(crate) fn open(files: &LogFiles) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&files.dir)?;
        let open = |kind, name| -> io::Result<Option<Mutex<Rotating>>> {
            if !files.kinds.contains(&kind) {
                return Ok(None);
            }
            Ok(Some(Mutex::new(Rotating::open(files.dir.join(name), PART_BYTES)?)))
        };
        Ok(Self {
            general: open(LogKind::General, "general.log")?,
            audit: open(LogKind::Audit, "audit.log")?,
            connection: open(LogKind::Connection, "connection.log")?,
        })
    }

    fn of_target(&self, target: &str) -> Option<&Mutex<Rotating>> {
        match target.split("::").next() {
            Some("audit") => self.audit.as_ref(),
            Some("connection") => self.connection.as_ref(),
            _ => self.general.as_ref(),
        }
    }
}

/// Where one line goes.
pub(crate) struct Line<'a>(Option<MutexGuard<'a, Rotating>>);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Some(file) => file.flush(),
            None => Ok(()),
        }
    }
}

impl<'a> MakeWriter<'a> for LogWriters {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self.general.as_ref().map(|file| file.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        let file = self.of_target(meta.target());
        Line(file.map(|file| file.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_parts_move_on_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("general.log");
        let mut log = Rotating::open(path.clone(), 10).unwrap();
        for number in 0..7 {
            writeln!(log, "line {number}").unwrap();
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("general.log"), "line 6\n");
        assert_eq!((read("general.log.1"), read("general.log.4")), ("line 5\n".into(), "line 2\n".into()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
        // What was there at a start is gone on with, and a line longer than a part is written nevertheless.
        let mut log = Rotating::open(path, 10).unwrap();
        log.write_all(b"abc").unwrap();
        assert_eq!(read("general.log"), "line 6\nabc");
        log.write_all(&[b'x'; 20]).unwrap();
        assert_eq!(read("general.log").len(), 20);
    }

    #[test]
    fn targets_have_their_files() {
        let dir = tempfile::tempdir().unwrap();
        let files =
            LogFiles { dir: dir.path().join("logs"), kinds: vec![LogKind::Audit, LogKind::Connection] };
        let writers = LogWriters::open(&files).unwrap();
        let name = |target: &str| {
            let file = writers.of_target(target)?.lock().unwrap();
            Some(file.path.file_name()?.to_string_lossy().into_owned())
        };
        assert_eq!(name("audit").as_deref(), Some("audit.log"));
        assert_eq!(name("connection::life").as_deref(), Some("connection.log"));
        assert_eq!(name("ternmq_node::run"), None);
        assert_eq!(fs::read_dir(files.dir).unwrap().count(), 2);
    }
}
