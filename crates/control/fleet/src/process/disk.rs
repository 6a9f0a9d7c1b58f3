//! Files of the fleet: small, written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::FleetError;

/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// How long a file has to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// Over the end of any process.
    Process,
    /// Over a loss of power too.
    Power,
}

/// For mapping a system's refusal.
pub(crate) fn cannot<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FleetError + 'a {
    move |source| FleetError::Disk { what, path: path.into(), source }
}

/// Makes a directory, mode 0700, whose name lasts. One that is there is fine.
pub(crate) fn make_dir(path: &Path) -> Result<(), FleetError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(cannot("make the directory", path))?,
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    sync_dir(parent).map_err(cannot("sync the directory", parent))
}

fn sync_dir(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().read(true).open(path)?.sync_all()
}

/// Writes a file of mode 0600 under another name first, so that its own name always has something whole.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], lasting: Lasting) -> Result<(), FleetError> {
    let write = || -> io::Result<()> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let draft = Path::new(&draft);
        remove_file(draft)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
        file.write_all(bytes)?;
        if lasting == Lasting::Power {
            file.sync_all()?;
        }
        fs::rename(draft, path)?;
        if let (Lasting::Power, Some(parent)) = (lasting, path.parent()) {
            sync_dir(parent)?;
        }
        Ok(())
    };
    write().map_err(cannot("write", path))
}

/// As [`write_whole`], in JSON.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T, lasting: Lasting) -> Result<(), FleetError> {
    let text = serde_json::to_vec(value).map_err(io::Error::from).map_err(cannot("write", path))?;
    write_whole(path, &text, lasting)
}

/// Reads a file. `None`: it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FleetError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path)(error)),
        Ok(facts) if facts.len() > MAX_FILE_BYTES => {
            let problem = format!("has more than {MAX_FILE_BYTES} bytes; remove it");
            return Err(FleetError::Damaged { path: path.into(), problem });
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(cannot("read", path))
}

/// Reads a file in JSON. `None`: it is not there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FleetError> {
    let Some(text) = read(path)? else { return Ok(None) };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        let problem = format!("is not what this version writes: {error}");
        FleetError::Damaged { path: path.into(), problem }
    })
}

/// Removes a file; one that is not there is fine.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a directory and everything in it; one that is not there is fine.
pub(crate) fn remove_tree(path: &Path) -> Result<(), FleetError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("d");
        make_dir(&folder).unwrap();
        make_dir(&folder).unwrap();
        let path = folder.join("f.json");
        assert_eq!(read_json::<u32>(&path).unwrap(), None);
        for (value, lasting) in [(1_u32, Lasting::Process), (2, Lasting::Power)] {
            // Left over from a write that was interrupted.
            fs::write(folder.join("f.json.new"), "half").unwrap();
            write_json(&path, &value, lasting).unwrap();
            assert_eq!(read_json(&path).unwrap(), Some(value));
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        fs::write(&path, "{").unwrap();
        assert!(matches!(read_json::<u32>(&path), Err(FleetError::Damaged { .. })));
        remove_tree(&folder).unwrap();
        remove_tree(&folder).unwrap();
    }
}
