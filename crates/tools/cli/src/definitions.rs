//! `ternmq export` and `ternmq import`: definitions through the management API.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hyper::Method;

use crate::args::{ExportArgs, HttpTarget, ImportArgs};
use crate::failure::Failure;
use crate::management::{self, Done};
use crate::url::Address;

const PATH: &str = "/api/definitions";
/// Definitions are at most this long, both ways.
const MAX_BYTES: usize = 20 << 20;

pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let Done { body: text, .. } = ask(&args.target, Method::GET, Bytes::new())?;
    match named(args.file.as_ref()) {
        Some(path) => {
            fs::write(path, &text).map_err(Failure::while_doing(format!("write '{}'", path.display())))
        }
        None => std::io::stdout().write_all(&text).map_err(Failure::while_doing("print")),
    }
}

pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let text = match named(args.file.as_ref()) {
        Some(path) => fs::read(path).map_err(Failure::while_doing(format!("read '{}'", path.display())))?,
        None => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(Failure::while_doing("read standard input"))?;
            bytes
        }
    };
    if text.len() > MAX_BYTES {
        return Err(Failure::new(format!("the definitions are longer than {MAX_BYTES} bytes")));
    }
    let done = ask(&args.target, Method::POST, text.into())?;
    if let Some(warning) = done.warning {
        // Whoever does not hear it finds it in the broker's log.
        let _ = writeln!(std::io::stderr(), "ternmq: warning: {warning}");
    }
    writeln!(std::io::stdout(), "definitions imported").map_err(Failure::while_doing("print"))
}

fn named(file: Option<&PathBuf>) -> Option<&Path> {
    file.map(PathBuf::as_path).filter(|path| *path != Path::new("-"))
}

fn ask(target: &HttpTarget, method: Method, body: Bytes) -> Result<Done, Failure> {
    let address = Address::parse(&target.url, "http", management::PORT, &target.data_dir)?;
    management::call(&address, method, PATH, body, MAX_BYTES)
}
