//! Which program a node's process runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::child::Process;

/// How much of the two files is compared at a time, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// Whether the file at `path` is another program than the one that the process runs. A copy of the same bytes is the
/// same program. Reads both files to their first difference, unless they are one file.
///
/// # Errors
/// One of the two can't be read: the process has ended, or nothing is at `path`.
pub(crate) fn is_other(path: &Path, process: &Process) -> io::Result<bool> {
    // What runs stays readable here when its file was replaced or deleted.
    let running = format!("/proc/{}/exe", process.pid());
    let (ours, theirs) = (fs::metadata(path)?, fs::metadata(&running)?);
    if (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
        return Ok(false);
    }
    Ok(ours.len() != theirs.len() || differ(open(path)?, open(running.as_ref())?)?)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

fn differ(one: File, other: File) -> io::Result<bool> {
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    let (mut left, mut right) = (Vec::with_capacity(PIECE_BYTES), Vec::with_capacity(PIECE_BYTES));
    loop {
        for (file, piece) in [(&mut one, &mut left), (&mut other, &mut right)] {
            piece.clear();
            file.take(PIECE_BYTES as u64).read_to_end(piece)?;
        }
        if left != right {
            return Ok(true);
        }
        if left.is_empty() {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_copy_is_the_same_program_and_a_replaced_one_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let (program, copy) = (dir.path().join("sleep"), dir.path().join("copy"));
        fs::copy("/bin/sleep", &program).unwrap();
        fs::copy("/bin/sleep", &copy).unwrap();
        let mut child = Command::new(&program).arg("1000").spawn().unwrap();
        let process = Process::open(child.id()).unwrap();
        assert!(!is_other(&program, &process).unwrap());
        assert!(!is_other(&copy, &process).unwrap());
        let mut bytes = fs::read(&copy).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(&program).unwrap();
        assert!(is_other(&program, &process).is_err());
        fs::write(&program, &bytes).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_other(&program, &process).unwrap());
        bytes.pop();
        fs::write(&program, bytes).unwrap();
        assert!(is_other(&program, &process).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
