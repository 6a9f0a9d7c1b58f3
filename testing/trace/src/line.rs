//! One line of strace's output (version 5 to 6, options `-f -o`): who called what with which arguments, or a part of it.
//!
//! ```text
//! 71 pwrite64(7, "\0\1ab", 4, 4096) = 4
//! 71 fdatasync(7 <unfinished ...>
//! 72 recvfrom(9, "AMQP\0\0\t\1", 65536, 0, NULL, NULL) = 8
//! 71 <... fdatasync resumed>) = 0
//! 71 --- SIGTERM {si_signo=SIGTERM, ...} ---
//! 71 +++ exited with 0 +++
//! ```

use anyhow::{Context, Result, bail, ensure};

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A buffer or a path, all of it.
    Bytes(Vec<u8>),
    /// A decimal number.
    Number(i64),
    /// Anything else as it is printed: flags, structures, `NULL`.
    Text(String),
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A call that nothing came between.
    Whole { name: &'a str, rest: &'a str },
    /// A call began; another thread is next.
    Begun { name: &'a str, rest: &'a str },
    /// A call that had begun has ended.
    Resumed { name: &'a str, rest: &'a str },
    /// A signal, the end of a thread.
    Other,
}

const UNFINISHED: &str = "<unfinished ...>";

/// The thread, and what the line says. `rest` is what follows the opening bracket, or the word `resumed>`.
pub(crate) fn read_line(line: &str) -> Result<(u32, Line<'_>)> {
    let (thread, said) = line.split_once(' ').context("a line without a thread")?;
    let thread = thread.parse().context("a line that does not begin with a thread's number")?;
    let said = said.trim_start();
    if said.starts_with("---") || said.starts_with("+++") {
        return Ok((thread, Line::Other));
    }
    if let Some(resumed) = said.strip_prefix("<... ") {
        let (name, rest) = resumed.split_once(" resumed>").context("a call that goes on, but not how")?;
        return Ok((thread, Line::Resumed { name, rest }));
    }
    let (name, rest) = said.split_once('(').context("neither a call nor a signal")?;
    let Some(rest) = rest.strip_suffix(UNFINISHED) else {
        return Ok((thread, Line::Whole { name, rest }));
    };
    Ok((thread, Line::Begun { name, rest }))
}

/// The arguments up to the closing bracket, and the result: `None` when the call never returned.
pub(crate) fn read_call(rest: &str) -> Result<(Vec<Argument>, Option<i64>)> {
    let bytes = rest.as_bytes();
    let (mut depth, mut at, mut from) = (0_u32, 0, 0);
    let mut arguments = Vec::new();
    let end = loop {
        let byte = *bytes.get(at).context("a call without its closing bracket")?;
        match byte {
            b'"' => at = end_of_text(bytes, at)?,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 0 => depth -= 1,
            b')' => break at,
            b',' if depth == 0 => {
                arguments.push(read_argument(rest.get(from..at).unwrap_or_default())?);
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    };
    let last = rest.get(from..end).unwrap_or_default();
    if !last.trim().is_empty() {
        arguments.push(read_argument(last)?);
    }
    let result = rest.get(end + 1..).unwrap_or_default().trim_start();
    let result = result.strip_prefix('=').context("a call without its result")?.trim_start();
    let number = result.split(' ').next().unwrap_or_default();
    let result = match number.strip_prefix("0x") {
        _ if number == "?" => None,
        Some(address) => Some(i64::from_str_radix(address, 16).context("an address that is none")?),
        None => Some(number.parse().with_context(|| format!("a result that is no number: {number}"))?),
    };
    Ok((arguments, result))
}

/// All quoted text of a structure, such as the buffers of a vector, one after the other.
pub(crate) fn texts_in(structure: &str) -> Result<Vec<u8>> {
    let bytes = structure.as_bytes();
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' {
            let end = end_of_text(bytes, at)?;
            ensure!(!structure.get(end + 1..).unwrap_or_default().starts_with("..."), "a buffer was cut");
            unescape(bytes.get(at + 1..end).unwrap_or_default(), &mut all)?;
            at = end;
        }
        at += 1;
    }
    Ok(all)
}

fn read_argument(text: &str) -> Result<Argument> {
    let text = text.trim();
    if text.starts_with('"') {
        return Ok(Argument::Bytes(texts_in(text)?));
    }
    Ok(text.parse().map_or_else(|_| Argument::Text(text.to_owned()), Argument::Number))
}

/// Where the quoted text that begins at `start` has its closing quote.
fn end_of_text(bytes: &[u8], start: usize) -> Result<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return Ok(at),
            Some(_) => at += 1,
            None => bail!("text without its closing quote"),
        }
    }
}

fn unescape(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let escaped = *text.get(at).context("a backslash at the end of a text")?;
        at += 1;
        let plain = match escaped {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'"' | b'\\' => escaped,
            b'0'..=b'7' => {
                // Up to three digits, fewer when none follows.
                let mut value = u32::from(escaped - b'0');
                for _ in 0..2 {
                    let Some(digit) = text.get(at).filter(|digit| (b'0'..=b'7').contains(*digit)) else {
                        break;
                    };
                    value = value * 8 + u32::from(digit - b'0');
                    at += 1;
                }
                u8::try_from(value).context("an escaped number that is no byte")?
            }
            _ => bail!("an unknown escape: \\{}", char::from(escaped)),
        };
        out.push(plain);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        let shown = match read_line(line) {
            Ok((thread, Line::Whole { name, rest })) => match read_call(rest) {
                Ok((arguments, result)) => format!("{thread} {name} {arguments:?} {result:?}"),
                Err(error) => format!("{error}"),
            },
            Ok((thread, other)) => format!("{thread} {other:?}"),
            Err(error) => format!("{error}"),
        };
        assert_eq!(shown, expect, "{line}");
    }

    #[test]
    fn whole_calls() {
        check("7 close(3)                = 0", "7 close [Number(3)] Some(0)");
        check(
            r#"7 pwrite64(7, "a\0\1\0012\"\\\n\377", 9, 4096) = 9"#,
            "7 pwrite64 [Number(7), Bytes([97, 0, 1, 1, 50, 34, 92, 10, 255]), Number(9), Number(4096)] Some(9)",
        );
        check(
            r#"7 openat(AT_FDCWD, "/d/) = 3", O_RDWR|O_CREAT, 0600) = -1 EEXIST (File exists)"#,
            r#"7 openat [Text("AT_FDCWD"), Bytes([47, 100, 47, 41, 32, 61, 32, 51]), Text("O_RDWR|O_CREAT"), Number(600)] Some(-1)"#,
        );
        check(
            "7 accept4(5, {sa_family=AF_INET, sin_port=htons(4), sin_addr=inet_addr(\"1.2.3.4\")}, [16], 0) = 9",
            "7 accept4 [Number(5), Text(\"{sa_family=AF_INET, sin_port=htons(4), sin_addr=inet_addr(\\\"1.2.3.4\\\")}\"), Text(\"[16]\"), Number(0)] Some(9)",
        );
        check("7 fdatasync(7)            = ?", "7 fdatasync [Number(7)] None");
        check("7 sync()  = 0", "7 sync [] Some(0)");
    }

    #[test]
    fn parts_of_calls_and_what_is_none() {
        check("7 fdatasync(7 <unfinished ...>", r#"7 Begun { name: "fdatasync", rest: "7 " }"#);
        check("7 <... fdatasync resumed>) = 0", r#"7 Resumed { name: "fdatasync", rest: ") = 0" }"#);
        check("7 --- SIGTERM {si_signo=SIGTERM} ---", "7 Other");
        check("7 +++ exited with 0 +++", "7 Other");
    }

    #[test]
    fn what_would_be_misread_is_an_error() {
        check(r#"7 write(7, "abc"..., 900) = 900"#, "a buffer was cut");
        check(r#"7 write(7, "abc, 900) = 900"#, "text without its closing quote");
        check(r#"7 write(7, "\q", 900) = 900"#, r"an unknown escape: \q");
        check("7 write(7, 900", "a call without its closing bracket");
        check("7 write(7, 900)", "a call without its result");
        check("strace: Process 7 attached", "a line that does not begin with a thread's number");
    }

    #[test]
    fn the_buffers_of_a_vector_are_one() {
        let vector = r#"[{iov_base="ab\0", iov_len=3}, {iov_base="c", iov_len=1}]"#;
        assert_eq!(texts_in(vector).unwrap(), b"ab\0c");
        assert!(texts_in(r#"[{iov_base="ab"..., iov_len=30}]"#).is_err());
    }
}
