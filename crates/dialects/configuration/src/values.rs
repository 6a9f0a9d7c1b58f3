//! Types of values: how each is written, and what to say when it is not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::settings::{LogLevel, Timeout};

/// Text of the file in a message: at most 64 characters, escaped (B7).
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(64).flat_map(char::escape_default).collect();
    if text.chars().nth(64).is_some() { format!("'{shown}...'") } else { format!("'{shown}'") }
}

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

/// A number of bytes with an optional unit: `k`, `KiB` and so on count in 1,024s, `KB` and so on in 1,000s.
pub(crate) fn size_bytes(value: &str) -> Result<u64, String> {
    let digits = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at_checked(digits).unwrap_or((value, ""));
    let bad = || format!("{} is not a size such as 1073741824, 512MiB or 2GB", quoted(value));
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(bad()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(bad)
}

/// A share above 0 up to `most`, in thousandths.
pub(crate) fn share_permille(value: &str, most: f64) -> Result<u32, String> {
    let bad = || format!("{} is not a share above 0 up to {most:.1}, such as 0.4", quoted(value));
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
        _ => Ok(Timeout::AfterMs(number(value, 1, u64::from(u32::MAX))?)),
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
                "{} is not one of debug, info, warning, error, critical, none",
                quoted(value)
            ));
        }
    })
}

/// A name or path: any text without control characters, up to 4 KiB.
pub(crate) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() || value.len() > 4_096 || value.chars().any(char::is_control) {
        return Err("the text must have 1 to 4,096 bytes and no control characters".to_owned());
    }
    Ok(value.to_owned())
}
