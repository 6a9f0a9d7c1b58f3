//! Types of values: how each is written, and what to say when it is not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ternmq_stdx::quoted;

use crate::settings::{LogLevel, Timeout};

/// A whole number in a range.
pub(crate) fn number(value: &str, least: u64, most: u64) -> Result<u64, String> {
    match value.parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{} is not a whole number from {least} to {most}", quoted(value))),
    }
}

/// A port, 0 picks a free one.
pub(crate) fn port(value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| format!("{} is not a port (0 to 65535)", quoted(value)))
}

/// An IP address.
pub(crate) fn ip(value: &str) -> Result<IpAddr, String> {
    let bare = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    bare.parse().map_err(|_| format!("{} is not an IP address; host names are not looked up", quoted(value)))
}

/// `PORT` (on every address) or `ADDRESS:PORT`.
pub(crate) fn listener(value: &str) -> Result<SocketAddr, String> {
    let bad = || format!("{} is neither a port nor ADDRESS:PORT", quoted(value));
    match value.rsplit_once(':') {
        None => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port(value).map_err(|_| bad())?)),
        Some((address, port_text)) => {
            Ok(SocketAddr::new(ip(address).map_err(|_| bad())?, port(port_text).map_err(|_| bad())?))
        }
    }
}

/// `true` or `false`.
pub(crate) fn truth(value: &str) -> Result<bool, String> {
    match value {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err(format!("{} is neither true nor false", quoted(value))),
    }
}

/// A number of bytes with an optional unit, as RabbitMQ has had them since 3.13: `k`, `kB`, `M`, `MB` and so on count in
/// 1,000s, `Ki`, `KiB`, `MiB` and so on in 1,024s, in capitals or not.
pub(crate) fn size_bytes(value: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(value);
    let bad = || format!("{} is not a size such as 1073741824, 512MiB or 2GB", quoted(value));
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "p" | "pb" => 1_000_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        "pi" | "pib" => 1 << 50,
        _ => return Err(bad()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(bad)
}

fn split_unit(value: &str) -> (&str, &str) {
    let digits = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    value.split_at_checked(digits).unwrap_or((value, ""))
}

/// Length of a frame: here RabbitMQ counts `KB` and `MB` in 1,024s.
pub(crate) fn frame_bytes(value: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(value);
    let factor = match unit {
        "" => Some(1),
        "KB" | "kb" => Some(1 << 10),
        "MB" | "mb" => Some(1 << 20),
        _ => None,
    };
    let bytes = factor.and_then(|factor: u64| number.parse::<u64>().ok()?.checked_mul(factor));
    bytes.filter(|bytes| (4_096..=1 << 20).contains(bytes)).ok_or_else(|| {
        format!("{} is not a number of bytes from 4096 to 1048576, such as 131072 or 128KB", quoted(value))
    })
}

/// Length of a message: RabbitMQ takes no unit here.
pub(crate) fn message_bytes(value: &str) -> Result<u64, String> {
    number(value, 1, 512 << 20).map_err(|_| {
        format!("{} is not a number of bytes from 1 to 536870912, written without a unit", quoted(value))
    })
}

/// A number from 1, or nothing for `infinity`: the broker's own limit holds then, for nothing is without one.
pub(crate) fn number_or_infinity(value: &str) -> Result<Option<u32>, String> {
    match value.parse::<u32>() {
        _ if value == "infinity" => Ok(None),
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(format!("{} is neither a whole number from 1 nor infinity", quoted(value))),
    }
}

/// A share above 0 up to `most`, in thousandths.
pub(crate) fn share_permille(value: &str, most: f64) -> Result<u32, String> {
    let bad = || {
        format!(
            "{} is not a share above 0 up to {most:.1}, written as 0.4 and not in per cent",
            quoted(value)
        )
    };
    // Digits and a point: a float's other spellings are not meant for people.
    if !value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(bad());
    }
    let share: f64 = value.parse().map_err(|_| bad())?;
    if !(share > 0.0 && share <= most) {
        return Err(bad());
    }
    // at most 1,000 * most: far inside the type
    Ok(((share * 1_000.0).round() as u32).max(1))
}

/// Milliseconds, or a word for never.
pub(crate) fn timeout_ms(value: &str) -> Result<Timeout, String> {
    match value {
        "undefined" | "false" | "infinity" => Ok(Timeout::Never),
        _ => match number(value, 1, u64::from(u32::MAX)) {
            Ok(ms) => Ok(Timeout::AfterMs(ms)),
            Err(problem) => Err(format!("{problem}, nor undefined")),
        },
    }
}

/// How much is logged.
pub(crate) fn log_level(value: &str) -> Result<LogLevel, String> {
    Ok(match value {
        "debug" => LogLevel::Debug,
        "info" | "notice" => LogLevel::Info,
        "warning" => LogLevel::Warning,
        "error" | "critical" | "alert" | "emergency" => LogLevel::Error,
        "none" => LogLevel::None,
        _ => {
            return Err(format!(
                "{} is not one of debug, info, notice, warning, error, critical, alert, emergency, none",
                quoted(value)
            ));
        }
    })
}

/// Whether the log is JSON.
pub(crate) fn is_json(value: &str) -> Result<bool, String> {
    match value {
        "json" => Ok(true),
        "plaintext" => Ok(false),
        _ => Err(format!("{} is neither plaintext nor json", quoted(value))),
    }
}

/// A path: any text without control characters, up to 4 KiB.
pub(crate) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() || value.len() > 4_096 || value.chars().any(char::is_control) {
        return Err("the text must have 1 to 4096 bytes and no control characters".to_owned());
    }
    Ok(value.to_owned())
}

/// A name, as the core has them.
pub(crate) fn name(value: &str) -> Result<String, String> {
    if value.is_empty() || value.len() > 255 || value.chars().any(char::is_control) {
        return Err("the name must have 1 to 255 bytes and no control characters".to_owned());
    }
    Ok(value.to_owned())
}

/// A pattern of names; an empty one matches nothing.
pub(crate) fn pattern(value: &str) -> Result<String, String> {
    if value.is_empty() { Ok(String::new()) } else { text(value) }
}

/// A password, never shown (S11).
pub(crate) fn password(value: &str) -> Result<String, String> {
    if value.is_empty() {
        return Err("the password is empty; nobody can log in without one".to_owned());
    }
    if value.starts_with("encrypted:") {
        return Err("encrypted values are not read; use --user and --password-file instead".to_owned());
    }
    if value.len() > 1_024 || value.chars().any(char::is_control) {
        return Err("the password must have 1 to 1024 bytes and no control characters".to_owned());
    }
    Ok(value.to_owned())
}
