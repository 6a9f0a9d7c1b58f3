//! Values of flags that several commands take.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::api::Object;
use super::{Context, resolve};
use crate::failure::Failure;

/// Vendor's ways of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Activemq,
    Rabbitmq,
}

impl Engine {
    /// The model's value.
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::Activemq => "ACTIVEMQ",
            Self::Rabbitmq => "RABBITMQ",
        }
    }
}

/// Logs that a broker can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogKind {
    General,
    /// ActiveMQ only.
    Audit,
    /// No log at all.
    None,
}

/// `logs` of an input: all that are named are on, and no other. `None`: nothing was said. RabbitMQ has no audit log, and
/// the service refuses to hear of one.
pub(crate) fn logs(named: &[LogKind], is_activemq: bool) -> Option<Value> {
    if named.is_empty() {
        return None;
    }
    let mut logs = json!({"general": named.contains(&LogKind::General)});
    let has_audit = named.contains(&LogKind::Audit);
    if let Some(logs) = logs.as_object_mut().filter(|_| is_activemq || has_audit) {
        logs.insert("audit".into(), has_audit.into());
    }
    Some(logs)
}

/// When a broker is maintained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    day: &'static str,
    time: String,
    zone: Option<String>,
}

impl Window {
    /// `maintenanceWindowStartTime` of an input.
    pub(crate) fn value(&self) -> Value {
        let mut value = json!({"dayOfWeek": self.day, "timeOfDay": self.time});
        if let (Some(value), Some(zone)) = (value.as_object_mut(), &self.zone) {
            value.insert("timeZone".into(), zone.as_str().into());
        }
        value
    }
}

/// Reads `DAY,HH:MM[,ZONE]`; days may be short.
pub(crate) fn window(text: &str) -> Result<Window, String> {
    const FORM: &str = "expected DAY,HH:MM or DAY,HH:MM,ZONE, for example sunday,03:00,Europe/Berlin";
    const DAYS: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
    let mut parts = text.splitn(3, ',');
    let (Some(day), Some(time)) = (parts.next(), parts.next()) else { return Err(FORM.into()) };
    let wanted = day.trim().to_uppercase();
    let is_day = |day: &&str| *day == wanted || day.get(..3) == Some(&wanted);
    let day = DAYS.into_iter().find(is_day).ok_or_else(|| format!("'{day}' is no day; {FORM}"))?;
    Ok(Window {
        day,
        time: time.trim().to_owned(),
        zone: parts.next().map(|zone| zone.trim().to_owned()).filter(|zone| !zone.is_empty()),
    })
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    key: String,
    value: String,
}

/// Reads `KEY=VALUE`; the value may be empty.
pub(crate) fn tag(text: &str) -> Result<Tag, String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, for example team=payments")?;
    if key.is_empty() {
        return Err("the key of a tag must not be empty".into());
    }
    Ok(Tag { key: key.to_owned(), value: value.to_owned() })
}

/// `tags` of an input.
pub(crate) fn tags(tags: &[Tag]) -> Value {
    let tags = tags.iter().map(|tag| (tag.key.clone(), Value::from(tag.value.as_str())));
    Value::Object(tags.collect())
}

/// `configuration` of an input, from `ID`, `NAME` or `ARN`, each with `:REVISION` behind it.
pub(crate) fn configuration(context: &Context, text: &str) -> Result<Value, Failure> {
    let (given, revision) = split_revision(text);
    let mut value = Object::new();
    value.insert("id".into(), resolve::configuration(context, given)?.into());
    if let Some(revision) = revision {
        value.insert("revision".into(), revision.into());
    }
    Ok(Value::Object(value))
}

fn split_revision(text: &str) -> (&str, Option<i32>) {
    let split = text.rsplit_once(':').and_then(|(given, revision)| Some((given, revision.parse().ok()?)));
    split.map_or((text, None), |(given, revision)| (given, Some(revision)))
}

/// Puts a member into an input when something was said.
pub(crate) fn put(input: &mut Object, name: &str, value: Option<impl Into<Value>>) {
    input.extend(value.map(|value| (name.to_owned(), value.into())));
}

/// `VEC` of texts as a value; `None`: nothing was said.
pub(crate) fn list(texts: &[String]) -> Option<Value> {
    (!texts.is_empty()).then(|| texts.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let of = |text: &str| window(text).map(|window| window.value().to_string());
        assert_eq!(of("sun,03:00"), Ok(r#"{"dayOfWeek":"SUNDAY","timeOfDay":"03:00"}"#.into()));
        assert_eq!(
            of("Monday, 3:00, Europe/Berlin"),
            Ok(r#"{"dayOfWeek":"MONDAY","timeOfDay":"3:00","timeZone":"Europe/Berlin"}"#.into())
        );
        assert!(of("sunday").unwrap_err().starts_with("expected DAY,HH:MM"));
        assert!(of("su,03:00").unwrap_err().starts_with("'su' is no day"));
    }

    #[test]
    fn tags_and_logs() {
        let both = [tag("a=b=c").unwrap(), tag("d=").unwrap()];
        assert_eq!(tags(&both).to_string(), r#"{"a":"b=c","d":""}"#);
        assert!(tag("a").is_err() && tag("=b").is_err());
        let of = |named: &[LogKind], is_activemq| logs(named, is_activemq).map(|logs| logs.to_string());
        assert_eq!(of(&[], true), None);
        assert_eq!(of(&[LogKind::General], true), Some(r#"{"audit":false,"general":true}"#.into()));
        assert_eq!(of(&[LogKind::General], false), Some(r#"{"general":true}"#.into()));
        assert_eq!(of(&[LogKind::Audit], false), Some(r#"{"audit":true,"general":false}"#.into()));
        assert_eq!(of(&[LogKind::None], true), Some(r#"{"audit":false,"general":false}"#.into()));
    }

    #[test]
    fn configurations_with_and_without_a_revision() {
        assert_eq!(split_revision("c-1:2"), ("c-1", Some(2)));
        assert_eq!(split_revision("c-1"), ("c-1", None));
        assert_eq!(
            split_revision("arn:aws:mq:r:1:configuration:c-1"),
            ("arn:aws:mq:r:1:configuration:c-1", None)
        );
        assert_eq!(split_revision("name:x"), ("name:x", None));
    }
}
