//! kill -9 at every step of create, update, reboot and delete.
