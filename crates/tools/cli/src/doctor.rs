//! `ternmq doctor`: checks a data directory and says in words what it found. Changes nothing.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;
use ternmq_env::{DiskFiles, FileFault, Files};
use ternmq_journal::{InspectReport, ManifestState, OpenError, Options, SegmentReport, inspect};

use crate::args::{DoctorArgs, Output};
use crate::broker::encryption_flags;
use crate::failure::Failure;
use crate::service_doctor;

pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let shown = args.data_dir.display();
    // Opening it would make it: a doctor leaves everything as it is.
    if !args.data_dir.is_dir() {
        return Err(Failure::new(format!("there is no data directory '{shown}'; name it with --data-dir")));
    }
    let files = DiskFiles::new(&args.data_dir).map_err(Failure::while_doing(format!("open '{shown}'")))?;
    // A broker that runs changes what is being looked at.
    let _lock = files.lock().map_err(|error| match error.fault {
        FileFault::InUse => Failure::new(format!("a broker or a service is using '{shown}'; stop it first")),
        _ => Failure::new(format!("cannot look at '{shown}': {error}")),
    })?;
    if args.data_dir.join("state").is_dir() {
        return service_doctor::run(&files, &args.data_dir, &args.encryption, args.output);
    }
    let encryption = ternmq_node::read_encryption(&encryption_flags(args.encryption.clone(), true))
        .map_err(|error| Failure::with_code(error.to_string(), error.exit_code()))?;
    let report = match inspect(Arc::new(files), &Options::default().directory, &encryption) {
        Ok(report) => report,
        Err(OpenError::Disk(error)) if error.fault == FileFault::NotFound => {
            return print(&format!("'{shown}' holds no journal yet: nothing was ever stored there"));
        }
        Err(error @ (OpenError::KeyMissing | OpenError::WrongKey { .. })) => {
            return Err(Failure::new(format!(
                "cannot look into '{shown}': {error}; give the key with --encryption-key-file"
            )));
        }
        Err(error) => return Err(Failure::new(format!("'{shown}' is damaged: {error}"))),
    };
    match args.output {
        Output::Text => print(&explain(&report).join("\n"))?,
        Output::Json => print(&to_json(&report).to_string())?,
    }
    if is_sound(&report) { Ok(()) } else { Err(Failure::new(format!("'{shown}' is damaged"))) }
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::while_doing("print"))
}

fn is_sound(report: &InspectReport) -> bool {
    let is_whole = |segment: &SegmentReport| {
        segment.file_bytes.is_some() && segment.header_is_intact && !segment.key_is_lost
    };
    report.damage.is_empty() && report.segments.iter().all(is_whole)
}

fn explain(report: &InspectReport) -> Vec<String> {
    let mut lines = vec![
        format!(
            "The journal has {} records with {} bytes in {} segments; it was started {} times.",
            report.records,
            report.payload_bytes,
            report.segments.len(),
            report.epoch
        ),
        format!("A start reads from position {} to {}.", report.checkpoint, report.end),
    ];
    lines.push(if report.was_clean {
        "The last broker stopped cleanly.".into()
    } else {
        "The last broker was cut off (killed, or the machine lost power). The next start makes the end safe; nothing that was confirmed is lost.".into()
    });
    if report.manifest == ManifestState::Older {
        lines.push(
            "The newest manifest is damaged; the one before is used. The next start writes a new one.".into(),
        );
    }
    if let Some(position) = report.torn_at {
        lines.push(format!("A record at the very end, at {position}, is half written. It was never confirmed; the next start drops it."));
    }
    let encrypted = report.segments.iter().filter(|segment| segment.is_encrypted).count();
    if encrypted > 0 {
        lines.push(format!("Encrypted are {encrypted} of the {} segments.", report.segments.len()));
    }
    for segment in &report.segments {
        if segment.key_is_lost {
            lines.push(format!("DAMAGE: the key file of {} is missing or not what was written; without it nothing in there can be read. Put it back from a backup.", segment.path));
        }
        if segment.file_bytes.is_none() {
            lines.push(format!("DAMAGE: the file {} is missing. Put it back from a backup.", segment.path));
        } else if !segment.header_is_intact {
            lines.push(format!("DAMAGE: the head of {} is not what was written.", segment.path));
        }
    }
    for damage in &report.damage {
        lines.push(format!(
            "DAMAGE: what was stored from {} to {} can't be read. A broker starts and serves everything else; messages there are counted as lost. Restore the directory from a backup to get them back, and check the disk.",
            damage.from, damage.to
        ));
    }
    if is_sound(report) {
        lines.push("Everything that was read is sound.".into());
    }
    lines
}

fn to_json(report: &InspectReport) -> serde_json::Value {
    let segments: Vec<serde_json::Value> = report
        .segments
        .iter()
        .map(|it| {
            json!({"path": it.path, "file_bytes": it.file_bytes, "sealed_bytes": it.sealed_bytes, "header_is_intact": it.header_is_intact, "is_encrypted": it.is_encrypted, "key_is_lost": it.key_is_lost})
        })
        .collect();
    let damage: Vec<serde_json::Value> =
        report.damage.iter().map(|it| json!({"from": it.from.get(), "to": it.to.get()})).collect();
    json!({
        "is_sound": is_sound(report),
        "was_clean": report.was_clean,
        "epoch": report.epoch,
        "segment_bytes": report.segment_bytes,
        "checkpoint": report.checkpoint.get(),
        "end": report.end.get(),
        "records": report.records,
        "payload_bytes": report.payload_bytes,
        "torn_at": report.torn_at.map(ternmq_journal::JournalPos::get),
        "segments": segments,
        "damage": damage,
    })
}
