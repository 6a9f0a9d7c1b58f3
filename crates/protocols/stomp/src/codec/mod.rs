//! The wire form of STOMP frames. Borrows from its input, allocates only where an escape has to be undone, never panics
//! on any bytes.
//!
//! ```text
//! COMMAND EOL                 EOL is LF, or CR LF in all versions
//! *( name ":" value EOL )     escapes by version; the first header of a name counts
//! EOL
//! body NUL *EOL               as long as content-length says, else to the first NUL
//! ```

mod body;
mod escape;
mod frame;
mod version;
mod write;

pub use body::{Body, body_of};
pub use escape::{Escapes, push_escaped, unescape};
pub use frame::{FrameError, Head, Headers, Limits, skip_noise, split_head};
pub(crate) use frame::{is_worth_a_look, shown};
pub use version::{SUPPORTED, Version, negotiate};
pub use write::FrameWriter;

#[cfg(test)]
mod tests;
