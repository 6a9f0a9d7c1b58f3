//! Every moment of a workload, with the power cut there (guarantees T2): what was reported durable is recovered
//! bit-exact and in order, groups whole or not at all, and nothing that was never written.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Kept, Log, encrypted, keys, payload, reopen_as};
use ternmq_fakes::{FakeDisk, Fault, SECTOR_BYTES, SeededRng};
use ternmq_journal::{Encryption, Group, JournalError, JournalPos, Opened, Options};

const SEGMENT: u64 = 4096;

/// What the world had been told when so many changes had been asked of the disk.
struct Told {
    changes: usize,
    durable: u64,
}

/// How the journal is encrypted in each of its lives, and the keys with which it can be read at any moment (S13).
#[derive(Clone)]
struct Habit {
    lives: [Encryption; 4],
    reader: Encryption,
}

impl Habit {
    fn plain() -> Self {
        Self { lives: [const { Encryption::Off }; 4], reader: Encryption::Off }
    }

    fn encrypted() -> Self {
        Self { lives: std::array::from_fn(|_| encrypted(1)), reader: encrypted(1) }
    }

    /// Turned on, the key changed, turned off.
    fn changing() -> Self {
        let rotated = Encryption::On(keys(2, Some(1)));
        let lives = [Encryption::Off, encrypted(1), rotated.clone(), Encryption::ReadOnly(keys(2, None))];
        Self { lives, reader: rotated }
    }

    fn reopen(&self, disk: &FakeDisk) -> (Vec<Kept>, Opened) {
        reopen_as(disk, SEGMENT, &self.reader)
    }

    fn options(&self) -> Options {
        Options { encryption: self.reader.clone(), ..support::options(SEGMENT) }
    }
}

struct History {
    habit: Habit,
    disk: FakeDisk,
    kept: Vec<Kept>,
    told: Vec<Told>,
    /// Everything below was known durable when the newest record was made.
    witnessed: u64,
}

/// Several lives of a journal on one disk; each ends by a kill or a clean stop.
fn workload(seed: u64, habit: Habit) -> History {
    let mut rng = SeededRng::new(seed);
    let disk = FakeDisk::new();
    let mut history = History::of(habit, disk.clone(), Vec::new());
    for life in 0..4_u8 {
        let encryption = history.habit.lives[usize::from(life)].clone();
        let (recovered, opened) = reopen_as(&disk, SEGMENT, &encryption);
        history.kept.retain(|old| recovered.first().is_none_or(|first| old.position < first.position));
        history.kept.extend(recovered);
        history.tell(opened.durable.end().get());
        let mut log = Log::new(opened, std::mem::take(&mut history.kept));
        for _ in 0..18 {
            live_on(&mut log, &mut history, &mut rng, life);
        }
        if rng.chance(1, 2) {
            log.commit();
            history.tell(log.durable.end().get());
            history.kept = log.kept;
            log.writer.close().unwrap();
        } else {
            log.write().unwrap();
            history.kept = log.kept;
        }
    }
    history
}

fn live_on(log: &mut Log, history: &mut History, rng: &mut SeededRng, life: u8) {
    history.witnessed = log.durable.end().get();
    for _ in 0..rng.below(3) {
        log.append(life, Group::Continues, &payload(rng, 300));
    }
    let longest = if rng.chance(1, 8) { 9_000 } else { 400 };
    log.append(life, Group::Ends, &payload(rng, longest));
    if rng.chance(2, 3) {
        log.write().unwrap();
    }
    if rng.chance(1, 2) {
        log.commit();
        history.tell(log.durable.end().get());
    }
    if rng.chance(1, 9) {
        let start = log.durable.end();
        log.writer.publish_checkpoint(start).unwrap();
        let first_needed = start.get() / SEGMENT;
        let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() < first_needed).collect();
        let old: Vec<_> = old.into_iter().filter(|_| rng.chance(2, 3)).collect();
        log.writer.release(&old).unwrap();
    }
}

impl History {
    fn of(habit: Habit, disk: FakeDisk, kept: Vec<Kept>) -> Self {
        Self { habit, disk, kept, told: Vec::new(), witnessed: 0 }
    }

    fn tell(&mut self, durable: u64) {
        self.told.push(Told { changes: self.disk.recording().len(), durable });
    }

    fn durable_at(&self, changes: usize) -> u64 {
        let told = self.told.iter().filter(|told| told.changes <= changes);
        told.map(|told| told.durable).max().unwrap_or(0)
    }

    /// The recovered records have to be an unbroken part of the history, from the checkpoint to the durable end or
    /// beyond.
    fn judge(&self, recovered: &[Kept], start: JournalPos, durable: u64, what: &str) {
        let from = self.kept.partition_point(|kept| kept.position < start);
        let part = self.kept.get(from..from + recovered.len()).unwrap_or_else(|| panic!("{what}: too many"));
        assert!(part == recovered, "{what}: something else was recovered");
        let next = self.kept.get(from + recovered.len());
        assert!(next.is_none_or(|next| next.position.get() >= durable), "{what}: lost {next:?}");
        assert!(recovered.last().is_none_or(|last| last.ends_group), "{what}: half a group");
    }
}

fn check_every_moment(seed: u64, habit: Habit, crashes_per_moment: u64) -> u64 {
    let history = workload(seed, habit);
    let reopen = |disk: &FakeDisk| history.habit.reopen(disk);
    let recording = history.disk.recording();
    assert!(recording.len() >= 200, "only {} changes", recording.len());
    let mut replay = recording.replay();
    let mut states = 0;
    loop {
        let durable = history.durable_at(replay.done());
        for crash in 0..crashes_per_moment {
            let what = format!("workload {seed}, change {}, crash {crash}", replay.done());
            let disk = replay.crash(crash * 1_000_003 + replay.done() as u64);
            let (recovered, opened) = reopen(&disk);
            let report = opened.report.clone();
            assert!(report.damage.is_empty(), "{what}: {:?}", report.damage);
            history.judge(&recovered, report.start, durable, &what);
            states += 1;
            if crash % 8 == 0 {
                drop(opened);
                let (again, opened) = reopen(&disk.crash(crash));
                assert!(again == recovered, "{what}: the second start recovered something else");
                assert!(opened.report.damage.is_empty(), "{what}, second start: {:?}", opened.report.damage);
                states += 1;
            }
        }
        if !replay.step() {
            return states;
        }
    }
}

#[test]
fn t2_every_moment_of_a_workload_survives_a_loss_of_power() {
    let states: u64 = (1..=4).map(|seed| check_every_moment(seed, Habit::plain(), 9)).sum();
    assert!(states >= 10_000, "only {states} states");
}

#[test]
fn t2_every_moment_of_an_encrypted_workload_survives_a_loss_of_power() {
    for habit in [Habit::encrypted(), Habit::changing()] {
        let states: u64 = (5..=6).map(|seed| check_every_moment(seed, habit.clone(), 9)).sum();
        assert!(states >= 5_000, "only {states} states");
    }
}

/// Runs until something fails; after that nothing may be accepted any more.
fn run_with_fault(number: u64, fault: Fault, habit: &Habit) -> Option<(FakeDisk, Vec<Kept>, u64)> {
    let disk = FakeDisk::new();
    disk.fail_call(number, fault);
    let mut rng = SeededRng::new(77);
    let opened = match support::recover(&disk, habit.options()) {
        Ok((_, opened)) => opened,
        Err(_) => return Some((disk, Vec::new(), 0)),
    };
    let mut log = Log::new(opened, Vec::new());
    for round in 0..30_u8 {
        log.append(round, Group::Continues, &payload(&mut rng, 500));
        log.append(round, Group::Ends, &payload(&mut rng, 500));
        let answer = log.write().and_then(|()| log.sync()).and_then(|_| forget_old(&mut log, round));
        match answer {
            Ok(()) => {}
            Err(JournalError::DiskFull(_)) => continue,
            Err(JournalError::Failed(_)) => {
                // F3: the latch holds, whatever is asked.
                assert!(matches!(log.writer.sync(), Err(JournalError::Poisoned(_))));
                assert!(matches!(log.write(), Err(JournalError::Poisoned(_)) | Ok(())));
                assert!(matches!(log.writer.maintain(), Err(JournalError::Poisoned(_))));
                assert!(matches!(log.writer.release(&[]), Err(JournalError::Poisoned(_))));
                let start = log.writer.checkpoint();
                assert!(matches!(log.writer.publish_checkpoint(start), Err(JournalError::Poisoned(_))));
                return Some((disk, log.kept, log.durable.end().get()));
            }
            Err(other) => panic!("call {number} {fault:?}: {other:?}"),
        }
    }
    let is_over = disk.calls() <= number;
    (!is_over).then_some((disk, log.kept, log.durable.end().get()))
}

/// Now and then moves the checkpoint and gives up what is before it.
fn forget_old(log: &mut Log, round: u8) -> Result<(), JournalError> {
    if !round.is_multiple_of(7) || round == 0 {
        return Ok(());
    }
    log.writer.publish_checkpoint(log.durable.end())?;
    let first_needed = log.durable.end().get() / SEGMENT;
    let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() < first_needed).collect();
    log.writer.release(&old)
}

fn check_failing_calls(habit: &Habit) {
    let reopen = |disk: &FakeDisk| habit.reopen(disk);
    for fault in [Fault::Device, Fault::DiskFull, Fault::Short] {
        let mut number = 0;
        while let Some((disk, kept, durable)) = run_with_fault(number, fault, habit) {
            let history = History::of(habit.clone(), disk.clone(), kept);
            for crash in 0..6 {
                let what = format!("call {number} {fault:?}, crash {crash}");
                let (recovered, opened) = reopen(&disk.crash(crash));
                assert!(opened.report.damage.is_empty(), "{what}: {:?}", opened.report.damage);
                history.judge(&recovered, opened.report.start, durable, &what);
            }
            // F3b: what a failed sync left in memory only is read once and has to be safe from then on.
            let (killed, what) = (disk.killed(), format!("call {number} {fault:?}, killed"));
            let (recovered, opened) = reopen(&killed);
            history.judge(&recovered, opened.report.start, durable, &what);
            for crash in 0..6 {
                let (again, opened) = reopen(&killed.crash(crash));
                assert!(again == recovered, "{what}, crash {crash}: something else was recovered");
                let damage = opened.report.damage;
                assert!(damage.is_empty(), "{what}, crash {crash}: {damage:?}");
            }
            number += 1;
        }
        assert!(number > 100, "only {number} calls");
    }
}

#[test]
fn t2_any_call_may_fail_in_any_way() {
    check_failing_calls(&Habit::plain());
}

#[test]
fn t2_any_call_of_an_encrypted_journal_may_fail_in_any_way() {
    check_failing_calls(&Habit::encrypted());
}

#[test]
fn a_start_may_fail_at_any_call_and_is_tried_again() {
    // The first one ends with a clean stop, the others are cut off.
    for (seed, habit) in
        [(9, Habit::plain()), (10, Habit::plain()), (9, Habit::encrypted()), (9, Habit::changing())]
    {
        check_failing_start(&workload(seed, habit));
    }
}

fn check_failing_start(history: &History) {
    let reopen = |disk: &FakeDisk| history.habit.reopen(disk);
    let durable = history.durable_at(usize::MAX);
    for fault in [Fault::Device, Fault::DiskFull, Fault::Short] {
        for number in 0.. {
            let disk = history.disk.killed();
            disk.fail_call(number, fault);
            let _refused = support::start_if_sound(&disk, history.habit.options());
            let is_over = disk.calls() <= number;
            for crash in 0..4 {
                let what = format!("start fails at call {number} {fault:?}, crash {crash}");
                let (recovered, opened) = reopen(&disk.crash(crash));
                history.judge(&recovered, opened.report.start, durable, &what);
                assert!(opened.report.damage.is_empty(), "{what}: {:?}", opened.report.damage);
            }
            if is_over {
                break;
            }
        }
    }
}

#[test]
fn f5_one_rotten_bit_in_any_sector_is_harmless_or_reported() {
    for (seed, habit) in [
        (21, Habit::plain()),
        (22, Habit::plain()),
        (23, Habit::plain()),
        (24, Habit::encrypted()),
        (25, Habit::changing()),
    ] {
        let history = workload(seed, habit);
        let reopen = |disk: &FakeDisk| history.habit.reopen(disk);
        for (path, bytes) in history.disk.contents() {
            for offset in (0..bytes.len() as u64).step_by(SECTOR_BYTES) {
                let disk = history.disk.killed();
                assert!(disk.rot(&path, offset, offset + seed));
                let what = format!("workload {seed}, {path} at {offset}");
                let (recovered, opened) = reopen(&disk);
                let report = opened.report;
                if report.damage.is_empty() {
                    history.judge(&recovered, report.start, history.witnessed, &what);
                } else {
                    let part = history.kept.iter().filter(|kept| kept.position >= report.start);
                    let gone: Vec<_> = part.filter(|kept| !recovered.contains(kept)).collect();
                    let is_told = |gone: &Kept| {
                        let told = report
                            .damage
                            .iter()
                            .any(|gap| gap.from <= gone.position && gone.position < gap.to);
                        told || gone.position.get() >= history.witnessed
                    };
                    assert!(gone.iter().all(|gone| is_told(gone)), "{what}: {gone:?} {:?}", report.damage);
                    assert!(recovered.iter().all(|record| history.kept.contains(record)), "{what}");
                }
            }
        }
    }
}
