//! Questions at a terminal, and passwords: from a file, from standard input, or typed without being shown. Never from the
//! command line, where every user of the machine can read them.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

use super::settings::read_bounded;
use crate::failure::Failure;

/// Longest password in bytes; the service takes less.
const MAX_PASSWORD_BYTES: usize = 4 * 1_024;
/// Longest answer to a question in bytes.
const MAX_ANSWER_BYTES: usize = 1_024;

/// Where a password comes from.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// File with the password; "-" is standard input. Without it the password is asked for on a terminal.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password for a user: read, or asked for twice.
    pub(crate) fn read(&self, user: &str) -> Result<Zeroizing<String>, Failure> {
        match &self.password_file {
            Some(path) => from_file(path),
            None => {
                let otherwise =
                    "a password is needed: give --password-file FILE, or \"-\" for standard input";
                let typed = typed(&format!("Password for '{user}': "), otherwise)?;
                let again = self::typed("The same again: ", otherwise)?;
                if *typed == *again { Ok(typed) } else { Err(Failure::new("the two passwords differ")) }
            }
        }
    }
}

/// The password in a file, or on standard input.
pub(super) fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = if path == Path::new("-") {
        let mut text = Zeroizing::new(String::new());
        let limit = MAX_PASSWORD_BYTES as u64 + 1;
        let read = std::io::stdin().take(limit).read_to_string(&mut text);
        read.map_err(Failure::while_doing("read the password from standard input"))?;
        text
    } else {
        let text = read_bounded(path, MAX_PASSWORD_BYTES)?;
        text.ok_or_else(|| Failure::new(format!("there is no file '{}'", path.display())))?
    };
    let password = text.trim_end_matches(['\r', '\n']);
    match password.len() {
        0 => Err(Failure::new("the password is empty")),
        1..=MAX_PASSWORD_BYTES => Ok(Zeroizing::new(password.to_owned())),
        _ => Err(Failure::new(format!("the password is longer than {MAX_PASSWORD_BYTES} bytes"))),
    }
}

/// Asks whether to go on. Without a terminal nobody is asked: then the command is not right, as `otherwise` tells.
pub(crate) fn confirm(question: &str, otherwise: &str) -> Result<(), Failure> {
    require_terminal(otherwise)?;
    ask(&format!("{question} [y/N] "))?;
    let mut answer = Vec::new();
    for byte in std::io::stdin().lock().bytes() {
        let byte = byte.map_err(Failure::while_doing("read the answer"))?;
        if byte == b'\n' || answer.len() == MAX_ANSWER_BYTES {
            break;
        }
        answer.push(byte);
    }
    let answer = String::from_utf8_lossy(&answer).trim().to_lowercase();
    if matches!(answer.as_str(), "y" | "yes") { Ok(()) } else { Err(Failure::new("nothing was done")) }
}

pub(crate) fn require_terminal(otherwise: &str) -> Result<(), Failure> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(otherwise))
}

fn ask(question: &str) -> Result<(), Failure> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question}").and_then(|()| stderr.flush()).map_err(Failure::while_doing("ask"))
}

/// A password typed at the terminal, which shows nothing of it. Without a terminal nobody is asked, as `otherwise` tells.
pub(super) fn typed(question: &str, otherwise: &str) -> Result<Zeroizing<String>, Failure> {
    require_terminal(otherwise)?;
    let _silence = Silence::begin()?;
    ask(question)?;
    let mut line = Typed::default();
    for byte in std::io::stdin().lock().bytes() {
        let byte = byte.map_err(Failure::while_doing("read the password"))?;
        if let Some(end) = line.take(byte) {
            ask("\n")?;
            return match end {
                End::Whole if line.bytes.is_empty() => Err(Failure::new("the password is empty")),
                End::Whole => {
                    let text = std::str::from_utf8(&line.bytes);
                    let text = text.map_err(|_| Failure::new("the password is not UTF-8"))?;
                    Ok(Zeroizing::new(text.to_owned()))
                }
                End::GivenUp => Err(Failure::new("nothing was done")),
                End::TooLong => {
                    Err(Failure::new(format!("the password is longer than {MAX_PASSWORD_BYTES} bytes")))
                }
            };
        }
    }
    Err(Failure::new("nothing was done"))
}

/// How a line that is typed ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Whole,
    GivenUp,
    TooLong,
}

/// A line as keys make it. The terminal edits nothing while it is silent, and signals nothing: a Ctrl-C that ended the
/// process there would leave the terminal silent for good.
#[derive(Default)]
struct Typed {
    bytes: Zeroizing<Vec<u8>>,
}

impl Typed {
    fn take(&mut self, byte: u8) -> Option<End> {
        const CTRL_C: u8 = 3;
        const CTRL_D: u8 = 4;
        const BACKSPACE: u8 = 8;
        const CTRL_U: u8 = 21;
        const CTRL_BACKSLASH: u8 = 28;
        const DELETE: u8 = 127;
        match byte {
            b'\r' | b'\n' => return Some(End::Whole),
            CTRL_C | CTRL_BACKSLASH => return Some(End::GivenUp),
            CTRL_D => return Some(if self.bytes.is_empty() { End::GivenUp } else { End::Whole }),
            CTRL_U => self.bytes.clear(),
            // A letter of several bytes goes as one.
            BACKSPACE | DELETE => while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            _ if self.bytes.len() == MAX_PASSWORD_BYTES => return Some(End::TooLong),
            _ => self.bytes.push(byte),
        }
        None
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silence {
    before: Termios,
}

impl Silence {
    fn begin() -> Result<Self, Failure> {
        let failed = |error: rustix::io::Errno| Failure::new(format!("cannot hide what is typed: {error}"));
        let before = termios::tcgetattr(std::io::stdin()).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[u8], text: &str, expect: Option<End>) {
        let mut line = Typed::default();
        let end = keys.iter().find_map(|key| line.take(*key));
        assert_eq!((std::str::from_utf8(&line.bytes).unwrap(), end), (text, expect), "{keys:?}");
    }

    #[test]
    fn keys_edit_the_line() {
        check(b"abc\r", "abc", Some(End::Whole));
        check("aü\u{7f}b\u{8}c\n".as_bytes(), "ac", Some(End::Whole));
        check(b"abc\x15d\x04", "d", Some(End::Whole));
        check(b"ab\x03", "ab", Some(End::GivenUp));
        check(b"\x04", "", Some(End::GivenUp));
        check(b"\x7f\x7fa", "a", None);
        check(&[b'x'; MAX_PASSWORD_BYTES + 1], &"x".repeat(MAX_PASSWORD_BYTES), Some(End::TooLong));
    }

    #[test]
    fn a_file_holds_one_password() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            from_file(&path).map(|password| password.to_string()).map_err(|failure| failure.text().to_owned())
        };
        assert_eq!(read("correct horse\r\n"), Ok("correct horse".into()));
        assert_eq!(read("\n"), Err("the password is empty".into()));
        assert!(read(&"x".repeat(5_000)).unwrap_err().ends_with("is longer than 4096 bytes"));
        assert!(from_file(&dir.path().join("gone")).unwrap_err().text().starts_with("there is no file"));
    }
}
