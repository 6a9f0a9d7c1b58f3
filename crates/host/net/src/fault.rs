//! What happens after a panic (B5). One inside a protocol adapter costs its connection: adapters call the core, the
//! core never calls them, so the core was not in the middle of anything. One anywhere else may have left queues or the
//! journal half changed, and the process ends at once: a wrong confirm is worse than a restart.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    /// Whether the last panic of this thread began in an adapter's own code.
    static IS_CONTAINABLE: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread is inside [`contain`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Installs the policy for the whole process; called once by the composition root.
pub fn install_panic_policy() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let is_adapter = info.location().is_some_and(|location| is_adapter_file(location.file()));
        let is_containable = is_adapter && IS_GUARDED.with(Cell::get);
        IS_CONTAINABLE.with(|flag| flag.set(is_containable));
        let text = info.payload_as_str().unwrap_or("no reason given");
        tracing::error!(place, "internal error: {text}");
        if !is_containable {
            std::process::abort();
        }
    }));
}

fn is_adapter_file(file: &str) -> bool {
    file.replace('\\', "/").contains("crates/protocols/")
}

/// Runs a call into a session. `None`: it panicked in its own code, and its connection has to go.
pub(crate) fn contain<R>(call: impl FnOnce() -> R) -> Option<R> {
    IS_GUARDED.with(|flag| flag.set(true));
    let answer = panic::catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.with(|flag| flag.set(false));
    match answer {
        Ok(answer) => Some(answer),
        Err(_) if IS_CONTAINABLE.with(Cell::get) => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_adapters_own_code_is_contained() {
        for (file, expect) in [
            ("crates/protocols/amqp091/src/session.rs", true),
            ("/build/ternmq/crates/protocols/mqtt/src/codec/packet.rs", true),
            ("crates/core/queue/src/machine.rs", false),
            ("crates/store/journal/src/writer.rs", false),
            ("library/core/src/option.rs", false),
        ] {
            assert_eq!(is_adapter_file(file), expect, "{file}");
        }
    }

    #[test]
    fn a_call_that_returns_is_untouched() {
        assert_eq!(contain(|| 7), Some(7));
    }
}
