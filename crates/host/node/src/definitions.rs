//! Definition files that the configuration names: read before anything is opened, applied before clients are let in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ternmq_broker::Broker;
use ternmq_management::{DEFINITIONS_MAX_BYTES, Definitions};

use crate::error::StartError;

/// Most files of a directory.
const MAX_FILES: usize = 1_000;

/// A file that was read.
pub(crate) struct DefinitionFile {
    path: PathBuf,
    definitions: Definitions,
}

/// Reads a file, or all files of a directory in the order of their names.
pub(crate) fn read(path: &Path) -> Result<Vec<DefinitionFile>, StartError> {
    let cannot = |error: io::Error| {
        refuse(path, format!("cannot be read: {error}; check the path in the configuration file"))
    };
    if !fs::metadata(path).map_err(cannot)?.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if paths.len() >= MAX_FILES {
            let problem = format!("the directory has more than {MAX_FILES} files; put them together");
            return Err(refuse(path, problem));
        }
        paths.push(entry.path());
    }
    paths.sort();
    paths.iter().map(|path| read_file(path)).collect()
}

fn read_file(path: &Path) -> Result<DefinitionFile, StartError> {
    let cannot = |error: io::Error| {
        refuse(path, format!("cannot be read: {error}; check the path in the configuration file"))
    };
    let too_long = || refuse(path, format!("it is longer than {DEFINITIONS_MAX_BYTES} bytes; split it"));
    // Its length is known before it is in memory.
    if fs::metadata(path).map_err(cannot)?.len() > DEFINITIONS_MAX_BYTES as u64 {
        return Err(too_long());
    }
    let text = fs::read(path).map_err(cannot)?;
    let definitions = Definitions::read(&text).map_err(|problem| refuse(path, problem))?;
    Ok(DefinitionFile { path: path.into(), definitions })
}

/// Applies them in order. After an error nothing of the broker may become durable.
pub(crate) fn apply(files: Vec<DefinitionFile>, broker: &mut Broker) -> Result<(), StartError> {
    for DefinitionFile { path, definitions } in files {
        definitions.apply(broker).map_err(|problem| refuse(&path, problem))?;
        tracing::info!(path = %path.display(), "definitions are imported");
    }
    Ok(())
}

fn refuse(path: &Path, problem: String) -> StartError {
    StartError::Definitions { path: path.into(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &Path, expect: Result<usize, &str>) {
        let answer = read(path).map(|files| files.len()).map_err(|error| {
            assert_eq!(error.exit_code(), 2);
            error.to_string().replace(&path.display().to_string(), "PATH")
        });
        assert_eq!(answer, expect.map_err(str::to_owned));
    }

    #[test]
    fn files_and_directories_are_read_or_named() {
        let dir = tempfile::tempdir().unwrap();
        check(
            &dir.path().join("none"),
            Err(
                "definitions 'PATH': cannot be read: No such file or directory (os error 2); check the path in the \
                 configuration file",
            ),
        );
        check(dir.path(), Ok(0));
        let file = dir.path().join("b.json");
        fs::write(&file, "{\"vhosts\": [{\"name\": \"v\"}]}").unwrap();
        check(&file, Ok(1));
        fs::write(dir.path().join("a.json"), "").unwrap();
        check(dir.path(), Ok(2));
        fs::write(&file, "{\"vhosts\": {}}").unwrap();
        check(&file, Err("definitions 'PATH': \"vhosts\" must be a list"));
        fs::write(&file, "[").unwrap();
        check(&file, Err("definitions 'PATH': it is not JSON: EOF while parsing a list at line 1 column 1"));
        check(
            dir.path(),
            Err("definitions 'PATH/b.json': it is not JSON: EOF while parsing a list at line 1 column 1"),
        );
    }

    #[test]
    fn a_file_past_its_limit_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(DEFINITIONS_MAX_BYTES as u64 + 1).unwrap();
        check(file.path(), Err("definitions 'PATH': it is longer than 20971520 bytes; split it"));
        fs::write(file.path(), " ".repeat(DEFINITIONS_MAX_BYTES)).unwrap();
        check(file.path(), Ok(1));
    }
}
