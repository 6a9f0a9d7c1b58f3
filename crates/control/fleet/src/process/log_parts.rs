//! The parts of a node's log, read as one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::disk;
use crate::error::FleetError;

/// Older parts that a node can leave: more than it does.
const OLDER_PARTS: u32 = 9;
/// Longest line that is handed over, in bytes.
const LINE_BYTES: u64 = 64 << 10;

/// Reads the newest part at `path` and the older ones beside it, which have `.1`, `.2` … behind the name.
pub(crate) fn read(path: &Path, take: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<(), FleetError> {
    // All are opened first: a log that moves on meanwhile moves files that are open already.
    let older = (1..=OLDER_PARTS).rev().map(|number| part(path, number));
    let mut open = Vec::new();
    for path in older.chain([path.to_owned()]) {
        match File::options().read(true).open(&path) {
            Ok(file) => open.push((path, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(disk::cannot("read", &path)(error)),
        }
    }
    for (path, file) in open {
        if lines(file, take).map_err(disk::cannot("read", &path))?.is_break() {
            break;
        }
    }
    Ok(())
}

fn part(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn lines(file: File, take: &mut dyn FnMut(&str) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
    let mut reader = BufReader::with_capacity(LINE_BYTES as usize, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else {
            reader.skip_until(b'\n')?;
        }
        if take(&String::from_utf8_lossy(&line)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(path: &Path, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        read(path, &mut |line| {
            found.push(line.to_owned());
            if found.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        found
    }

    #[test]
    fn parts_are_read_from_the_oldest_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("general.log");
        assert!(read_all(&path, 9).is_empty());
        std::fs::write(&path, "d\ne").unwrap();
        std::fs::write(part(&path, 1), "c\n").unwrap();
        std::fs::write(part(&path, 2), "a\nb!\n").unwrap();
        assert_eq!(read_all(&path, 9), ["a", "b!", "c", "d", "e"]);
        assert_eq!(read_all(&path, 2), ["a", "b!"]);
    }

    #[test]
    fn a_long_line_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("general.log");
        std::fs::write(&path, format!("{}\nnext\n", "x".repeat(200_000))).unwrap();
        let found = read_all(&path, 9);
        assert_eq!((found[0].len(), found[1].as_str()), (65_536, "next"));
    }
}
