//! Waiting until a broker is what it is to be, with progress on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Context;
use super::api::Object;
use super::output::{aside, items, text};
use crate::failure::Failure;

/// The first pause between two looks; each is half as long again, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a command waits before it leaves the broker to the service.
const PATIENCE_S: i64 = 15 * 60;
const TICK: Duration = Duration::from_millis(100);

/// A broker that is waited for.
pub(crate) struct Awaited<'a> {
    /// As the person called it.
    pub(crate) name: &'a str,
    pub(crate) id: &'a str,
    /// Where it is headed, for people: `is being created`.
    pub(crate) doing: &'static str,
}

/// Waits until a broker runs; its description then.
pub(crate) fn until_running(context: &Context, awaited: &Awaited<'_>) -> Result<Object, Failure> {
    let ended = wait(context, awaited)?;
    ended.ok_or_else(|| Failure::new(format!("the broker '{}' was deleted meanwhile", awaited.name)))
}

/// Waits until a broker is gone.
pub(crate) fn until_gone(context: &Context, awaited: &Awaited<'_>) -> Result<(), Failure> {
    match wait(context, awaited)? {
        None => Ok(()),
        Some(_) => Err(Failure::new(format!("the broker '{}' runs and is not being deleted", awaited.name))),
    }
}

/// Looks until the broker runs, or is gone.
fn wait(context: &Context, awaited: &Awaited<'_>) -> Result<Option<Object>, Failure> {
    let Awaited { name, id, doing } = awaited;
    let mut input = Object::new();
    input.insert("broker-id".into(), (*id).into());
    let mut progress = Progress::begin(format!("{name} {doing}"));
    let begun_s = context.api.now_s();
    let mut pause = FIRST_PAUSE;
    loop {
        match context.api.mq("DescribeBroker", &input) {
            Ok(described) => {
                let state = text(&described, "brokerState");
                match state.as_str() {
                    "RUNNING" | "REPLICA" => return Ok(Some(described)),
                    "CREATION_FAILED" => {
                        return Err(Failure::new(format!(
                            "the broker '{name}' could not be created; the service's log has the reason, \
                             `ternmq mq delete-broker {name}` removes what is there"
                        )));
                    }
                    "CRITICAL_ACTION_REQUIRED" => return Err(needs_action(name, &described)),
                    _ => progress.show(&state),
                }
            }
            Err(fault) if fault.is_not_found() => return Ok(None),
            Err(fault) => return Err(fault.into()),
        }
        if context.api.now_s() - begun_s > PATIENCE_S {
            return Err(Failure::new(format!(
                "the broker '{name}' still {doing} after {} minutes; `ternmq mq describe-broker {name}` tells how it is",
                PATIENCE_S / 60
            )));
        }
        context.api.pause(pause);
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

fn needs_action(name: &str, described: &Object) -> Failure {
    let actions = items(described, "actionsRequired")
        .map(|it| format!("{} {}", text(it, "actionRequiredCode"), text(it, "actionRequiredInfo")));
    let actions: Vec<String> = actions.map(|action| action.trim().to_owned()).collect();
    Failure::new(format!("the broker '{name}' needs an action before it runs: {}", actions.join(", ")))
}

/// A spinner on a terminal, else a line for each state.
struct Progress {
    spinner: Option<ProgressBar>,
    what: String,
    state: String,
}

impl Progress {
    fn begin(what: String) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                spinner.set_style(style);
            }
            spinner.set_message(what.clone());
            spinner.enable_steady_tick(TICK);
            spinner
        });
        Self { spinner, what, state: String::new() }
    }

    fn show(&mut self, state: &str) {
        if self.state == state {
            return;
        }
        state.clone_into(&mut self.state);
        match &self.spinner {
            Some(spinner) => spinner.set_message(format!("{}: {state}", self.what)),
            None => aside(&format!("{}: {state}", self.what)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
