//! `ternmq mq records`: the audit log, as CloudTrail's LookupEvents tells it.

use clap::Args;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::Object;
use super::output::{inner, items, shown, table, text};
use super::{Context, resolve};
use crate::failure::Failure;

/// Largest page that the service gives.
const PAGE: usize = 50;
/// Most pages that are asked for: a filter that matches little must not ask for ever.
const MAX_PAGES: usize = 1_000;
/// Longest time that an age can name.
const MAX_AGE_S: i64 = 100 * 365 * 86_400;

#[derive(Debug, Args)]
#[command(after_help = "\
Times: an age (30s, 15m, 2h, 7d), a day (2026-11-30, UTC) or a moment (2026-11-30T12:00:00Z).
Records are those of the region that the command works in.

Examples:
  ternmq mq records --changes --since 7d
  ternmq mq records --resource orders --since 1h
  ternmq mq records --user ann --event-name DeleteBroker
  ternmq mq records --count 1000 --output json")]
pub(crate) struct Records {
    /// Calls of this operation, for example CreateBroker.
    #[arg(long, value_name = "NAME")]
    event_name: Option<String>,
    /// Calls of this user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Calls about this broker or configuration: name, id or ARN. Of one that is gone the id tells most.
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Calls that change something, and no others.
    #[arg(long)]
    changes: bool,
    /// From then on.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Up to then.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// At most so many records.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
}

/// A time as a person says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Seconds since 1970.
    At(i64),
    /// Seconds before now.
    Ago(i64),
}

impl Moment {
    /// Seconds since 1970.
    fn at_s(self, now_s: i64) -> i64 {
        match self {
            Self::At(at_s) => at_s,
            Self::Ago(age_s) => now_s.saturating_sub(age_s),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let at = |timestamp: Timestamp| Moment::At(timestamp.as_second());
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(at(timestamp));
    }
    let utc =
        |moment: DateTime| moment.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| at(zoned.timestamp()));
    let day = text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0)));
    day.or_else(|| age(text)).ok_or_else(|| {
        "expected an age (15m, 2h, 7d), a day (2026-11-30) or a moment (2026-11-30T12:00:00Z)".into()
    })
}

fn age(text: &str) -> Option<Moment> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: i64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    number.checked_mul(seconds).filter(|age| *age <= MAX_AGE_S).map(Moment::Ago)
}

impl Records {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let filters = self.filters(context)?;
        let mut input = self.input(context.api.now_s(), filters.first());
        let wanted = usize::try_from(self.count).unwrap_or(usize::MAX);
        let mut events: Vec<Value> = Vec::new();
        let mut is_whole = false;
        for _ in 0..MAX_PAGES {
            // A filter of our own may leave little of a page, so a whole one is asked for.
            let most = if filters.len() > 1 { PAGE } else { PAGE.min(wanted - events.len()) };
            input.insert("MaxResults".into(), most.into());
            let mut page = context.api.call(&ternmq_api::cloudtrail::MODEL, "LookupEvents", &input)?;
            if let Some(Value::Array(found)) = page.remove("Events") {
                let is_wanted = |event: &Value| filters.iter().skip(1).all(|filter| filter.has(event));
                events.extend(found.into_iter().filter(is_wanted));
            }
            events.truncate(wanted);
            match page.remove("NextToken").filter(|token| !token.is_null()) {
                Some(token) if events.len() < wanted => input.insert("NextToken".into(), token),
                _ => {
                    is_whole = true;
                    break;
                }
            };
        }
        if !is_whole {
            super::output::aside("warning: older records were not looked at; narrow the search with --until");
        }
        let mut answer = Object::new();
        answer.insert("Events".into(), events.into());
        context.show(answer, listed)
    }

    /// What is looked for. The service takes one attribute: the first; the others are looked at here.
    fn filters(&self, context: &Context) -> Result<Vec<Filter>, Failure> {
        let mut filters = Vec::new();
        if let Some(given) = &self.resource {
            filters.push(Filter { key: "ResourceName", value: resolve::resource(context, given)? });
        }
        for (key, value) in [("Username", &self.user), ("EventName", &self.event_name)] {
            filters.extend(value.clone().map(|value| Filter { key, value }));
        }
        filters.extend(self.changes.then(|| Filter { key: "ReadOnly", value: "false".into() }));
        Ok(filters)
    }

    fn input(&self, now_s: i64, filter: Option<&Filter>) -> Object {
        let mut input = Object::new();
        for (name, moment) in [("StartTime", self.since), ("EndTime", self.until)] {
            super::flags::put(&mut input, name, moment.map(|moment| moment.at_s(now_s)));
        }
        let attribute = filter.map(|it| json!([{"AttributeKey": it.key, "AttributeValue": it.value}]));
        super::flags::put(&mut input, "LookupAttributes", attribute);
        input
    }
}

/// One attribute that a record is to have.
struct Filter {
    key: &'static str,
    value: String,
}

impl Filter {
    /// All but names of resources, which go to the service, stand in an event under the attribute's name.
    fn has(&self, event: &Value) -> bool {
        event.get(self.key).and_then(Value::as_str) == Some(&self.value)
    }
}

fn listed(answer: &Object) -> String {
    let headings = ["time", "user", "event", "resource", "result", "from"];
    table(&headings, items(answer, "Events").map(row).collect(), "no records match")
}

fn row(event: &Object) -> Vec<String> {
    let record: Option<Object> =
        event.get("CloudTrailEvent").and_then(|text| serde_json::from_str(text.as_str()?).ok());
    let record = record.unwrap_or_default();
    let user = match text(event, "Username") {
        name if name.is_empty() => inner(&record, "userIdentity").map(identity).unwrap_or_default(),
        name => name,
    };
    let resource = items(event, "Resources").next().map(|it| text(it, "ResourceName"));
    let result = match text(&record, "errorCode") {
        code if code.is_empty() => "done".to_owned(),
        code => code,
    };
    let from = text(&record, "sourceIPAddress");
    vec![time(event), user, text(event, "EventName"), resource.unwrap_or_default(), result, from]
}

/// Who called when no user did.
fn identity(identity: &Object) -> String {
    match text(identity, "invokedBy") {
        service if service.is_empty() => text(identity, "type"),
        service => service,
    }
}

fn time(event: &Object) -> String {
    let at = event.get("EventTime");
    #[allow(clippy::cast_possible_truncation)] // a float becomes the nearest number there is
    let seconds = at.and_then(Value::as_f64).map(|seconds| seconds as i64);
    let moment =
        seconds.and_then(|seconds| Timestamp::from_duration(SignedDuration::from_secs(seconds)).ok());
    moment.map_or_else(|| at.map(shown).unwrap_or_default(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(moment("15m"), Ok(Moment::Ago(900)));
        assert_eq!(moment("7d").map(|age| age.at_s(1_000_000)), Ok(395_200));
        assert_eq!(moment("2026-11-30"), Ok(Moment::At(1_795_996_800)));
        assert_eq!(moment("2026-11-30T12:00:00Z"), Ok(Moment::At(1_796_040_000)));
        assert_eq!(moment("2026-11-30T12:00:00+01:00"), Ok(Moment::At(1_796_036_400)));
        for bad in ["", "m", "-1m", "1w", "99999999999999999999d", "9999999d", "yesterday", "ü"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn records_in_a_table() {
        let event = |name: &str, user: &str, record: Value| {
            json!({"EventTime": 1_796_040_000, "EventName": name, "Username": user, "CloudTrailEvent": record.to_string(),
                "Resources": [{"ResourceName": "b-1"}]})
        };
        let answer = json!({"Events": [
            event("RebootBroker", "ann", json!({"sourceIPAddress": "::1"})),
            event("CreateBroker", "", json!({"errorCode": "ConflictException", "userIdentity": {"invokedBy": "mq"}})),
            {},
        ]});
        let expect = "\
TIME                  USER  EVENT         RESOURCE  RESULT             FROM
2026-11-30T12:00:00Z  ann   RebootBroker  b-1       done               ::1
2026-11-30T12:00:00Z  mq    CreateBroker  b-1       ConflictException
                                                    done";
        assert_eq!(listed(answer.as_object().unwrap()), expect);
    }

    #[test]
    fn one_filter_goes_to_the_service() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Records,
        }
        let line = ["x", "--user", "ann", "--event-name", "Reboot", "--since", "1m", "--until", "1970-01-02"];
        let args = <Line as clap::Parser>::try_parse_from(line).unwrap().args;
        let filter = Filter { key: "Username", value: "ann".into() };
        assert_eq!(
            Value::Object(args.input(1_000, Some(&filter))).to_string(),
            r#"{"EndTime":86400,"LookupAttributes":[{"AttributeKey":"Username","AttributeValue":"ann"}],"StartTime":940}"#
        );
    }
}
