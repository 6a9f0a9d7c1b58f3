//! Fake versions of the seams of `ternmq-env`, for tests and the simulator.
//!
//! Owns: [`FakeDisk`], a disk in memory that keeps what is safe apart from what is only written, crashes on demand
//! (F2), fails by script (F3, F4, F5) and records every operation ([`Recording`], T2); [`FakeClock`], which moves
//! only when told; [`SeededRng`], whose numbers follow from one seed.
//! Must not know: whose files they are.
//!
//! Invariants: the same seed and the same calls give the same bytes, on every machine and in every build.
#![forbid(unsafe_code)]

mod clock;
mod crash;
mod disk;
mod image;
mod inode;
mod rng;

pub use clock::FakeClock;
pub use crash::{Recording, Replay};
pub use disk::{FakeDisk, Fault};
pub use inode::SECTOR_BYTES;
pub use rng::SeededRng;
