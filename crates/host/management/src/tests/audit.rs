//! S15: what is written down, and S11: what is not.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use serde_json::{Value as Json, json};

use super::rig::{Rig, basic, nothing, request};

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has every thread keep its own lines. Called before the first event of any test: what an event costs is decided once
/// for the whole process when it first happens, by whoever listens then.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Lines).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// What this thread wrote since the last look.
fn take() -> String {
    String::from_utf8(LINES.take()).unwrap()
}

#[tokio::test]
async fn s15_changes_and_refusals_are_one_line_each_without_secrets() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/users/u", json!({ "password": "hunter2", "tags": "" })).await;
    let line = take();
    assert_eq!(line.lines().count(), 1, "{line}");
    for part in ["audit", "\"change\"", "user=\"admin\"", "PUT", "/api/users/u"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("hunter2"));
    rig.ask("member", "PUT", "/api/vhosts/v", &nothing()).await;
    let line = take();
    assert!(line.contains("change refused") && line.contains("user=\"member\""), "{line}");
    let mut get = request("x", "GET", "/api/whoami", &Json::Null);
    get.headers_mut().insert("authorization", basic("a\nb", "hunter2").parse().unwrap());
    rig.send(get).await;
    let line = take();
    assert!(line.contains("login refused") && line.contains("a\\nb") && !line.contains("hunter2"), "{line}");
    assert_eq!(line.lines().count(), 1, "a name cannot forge a line");
    rig.ask("member", "GET", "/api/queues", &Json::Null).await;
    assert_eq!(take(), "", "looking is not written down");
}
