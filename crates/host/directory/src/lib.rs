//! Users, groups and authorization maps of LDAP directories.
//!
//! Owns: the part of LDAP that is needed (binds and searches, RFC 4511), filters whose values are never text (RFC 4515),
//! names of entries (RFC 4514), what is said of a directory ([`Settings`]), who is who in it ([`Directory`]), maps of
//! permissions ([`MapPlaces`]). Must not know: a vendor's ways, sessions, what a permission allows.
//!
//! Invariants (S9): no bind without a name and a password; a user is verified by a bind as exactly the name that was found,
//! on a connection of its own kind; none or more than one entry is nobody; referrals and aliases are not followed; the
//! server is verified (S3); what a directory sends is hostile input with limits on entries, bytes and time.
//!
//! The protocol is written here and not taken from a library: `docs/adr/0008-own-ldap-client.md`.
#![forbid(unsafe_code)]

mod ber;
mod dial;
mod directory;
mod filter;
mod link;
mod map;
mod name;
mod page;
mod settings;

pub use dial::{Dial, RootsError, TlsDial};
pub use directory::{CONSOLE_GROUP, Directory, DirectoryError};
pub use filter::{Filter, FilterError, MAX_FILTER_BYTES};
pub use link::{LinkError, Wire};
pub use map::{Destination, MapEntry, MapPlaces, Member, Permission};
pub use name::{MAX_NAME_BYTES, NameError, Part, parts};
pub use settings::{Host, MAX_TEXT_BYTES, Settings};

#[cfg(test)]
mod tests;
