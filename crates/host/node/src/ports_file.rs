//! Tells scripts which ports a node got: a JSON object of listener name to `"addr:port"`, there whole or not at all.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::error::StartError;

pub(crate) fn write(path: &Path, ports: &[(String, SocketAddr)]) -> Result<(), StartError> {
    let object: serde_json::Map<String, serde_json::Value> =
        ports.iter().map(|(name, address)| (name.clone(), address.to_string().into())).collect();
    let text = format!("{}\n", serde_json::Value::Object(object));
    write_whole(path, &text).map_err(|source| StartError::PortsFile { path: path.into(), source })
}

/// Readers that wait for the file to appear must never see half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    fs::write(&draft, text)?;
    fs::rename(&draft, path).inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_json_object() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ports.json");
        write(
            &path,
            &[("amqp".into(), ([127, 0, 0, 1], 5672).into()), ("http".into(), ([127, 0, 0, 1], 80).into())],
        )
        .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"amqp\":\"127.0.0.1:5672\",\"http\":\"127.0.0.1:80\"}\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let error = write(Path::new("/nonexistent/ports.json"), &[]).unwrap_err().to_string();
        assert!(error.starts_with("cannot write the ports file '/nonexistent/ports.json': "), "{error}");
    }
}
