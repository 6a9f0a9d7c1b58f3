//! The key of a node's data at rest (S13): made once, before the node's first start.

use std::fmt::Write;
use std::path::Path;

use ternmq_env::{Rng, SystemRng};
use zeroize::Zeroizing;

use super::disk::{self, Lasting};
use crate::error::FleetError;

const KEY_BYTES: usize = 32;

/// Makes the key if it is not there. It is safe from a loss of power before anything is encrypted with it.
pub(crate) fn ensure(path: &Path) -> Result<(), FleetError> {
    if path.exists() {
        return Ok(());
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRng.fill(key.as_mut_slice());
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    for byte in key.iter() {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    disk::write_whole(path, text.as_bytes(), Lasting::Power)
}
