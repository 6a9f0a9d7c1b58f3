//! Frames as lines of text.
//!
//! `COMMAND name:value name:value | body` is a frame: a blank in a value is written `_`, and `\n`, `\r`, `\0`, `\\`, `\xNN`
//! stand for bytes. `length` among the headers adds the body's `content-length`. `raw TEXT` is sent as it stands.

/// The bytes that a line of text stands for.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match letters.next().expect("something after a backslash") {
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            '0' => bytes.push(0),
            '\\' => bytes.push(b'\\'),
            'x' => {
                let digits: String = letters.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            // So many of the next letter.
            '*' => {
                let count: String = letters.by_ref().take_while(|letter| *letter != '*').collect();
                let letter = letters.next().expect("a letter to repeat");
                bytes.extend(std::iter::repeat_n(letter as u8, count.parse().unwrap()));
            }
            other => panic!("not an escape: {other}"),
        }
    }
    bytes
}

/// Bytes as text in one line.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .flat_map(
            |letter| {
                if letter.is_ascii() { letter.escape_default().collect::<Vec<_>>() } else { vec![letter] }
            },
        )
        .collect::<String>()
        .replace("\\u{0}", "\\0")
        .replace("\\'", "'")
        .replace("\\\"", "\"")
}

/// What a line sends.
pub(crate) fn encode(line: &str) -> Vec<u8> {
    let line = line.trim_start();
    if let Some(raw) = line.strip_prefix("raw ") {
        return bytes(raw);
    }
    let (head, body) = line.split_once(" | ").unwrap_or((line, ""));
    let body = bytes(body);
    let mut frame = String::new();
    for (at, word) in head.split_whitespace().enumerate() {
        if at > 0 && word == "length" {
            frame.push_str(&format!("content-length:{}", body.len()));
        } else {
            frame.push_str(&word.replace('_', " ").replace("\\u", "_"));
        }
        frame.push('\n');
    }
    frame.push('\n');
    let mut sent = bytes(&frame);
    sent.extend(body);
    sent.push(0);
    sent
}

/// The lines of what a session has written.
pub(crate) fn decode(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        if bytes[0] == b'\n' {
            lines.push("(beat)".to_owned());
            bytes = &bytes[1..];
            continue;
        }
        let end = bytes.windows(2).position(|two| two == b"\n\n").expect("an empty line after the headers");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let rest = &bytes[end + 2..];
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let body = &rest[..length];
        assert_eq!(&rest[length..length + 2], b"\0\n", "NUL and a line end after the body: {head}");
        let mut words: Vec<String> = Vec::new();
        for line in head.lines().filter(|line| !line.starts_with("content-length:")) {
            words.push(line.replace('_', "\\u").replace(' ', "_").replace('\r', "(CR)"));
        }
        let mut line = words.join(" ");
        if length > 0 {
            line.push_str(&format!(" | {}", text(body)));
        }
        lines.push(line);
        bytes = &rest[length + 2..];
    }
    lines
}
