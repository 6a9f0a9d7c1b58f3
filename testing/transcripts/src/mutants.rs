//! The conversations again, with bytes changed, lost, doubled or cut off (T5): the broker always comes out whole.

use std::path::Path;

use proptest::{prelude::*, sample::Index};

use crate::{
    player::{Language, Player, scripts},
    rig::Feed,
};

/// One thing that a client or the way to the broker did to the bytes of a conversation.
#[derive(Clone, Debug)]
enum Change {
    /// A bit is the other way round.
    Flip(Index, u8),
    /// A byte is another.
    Set(Index, u8),
    /// Bytes are missing.
    Drop(Index, u8),
    /// Bytes come twice.
    Double(Index, u8),
    /// Nothing comes from here on.
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (any::<Index>(), prop_oneof![Just(0), Just(0xFF), any::<u8>()]).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), 1..20_u8).prop_map(|(at, count)| Change::Drop(at, count)),
        2 => (any::<Index>(), 1..200_u8).prop_map(|(at, count)| Change::Double(at, count)),
        1 => any::<Index>().prop_map(Change::Cut),
    ]
}

/// A step of a recorded conversation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A client sends bytes.
    Send(String, Vec<u8>),
    /// The world changes.
    Control(String),
}

fn apply(steps: &mut [Step], change: &Change) {
    let (Change::Flip(at, _)
    | Change::Set(at, _)
    | Change::Drop(at, _)
    | Change::Double(at, _)
    | Change::Cut(at)) = change;
    let total: usize =
        steps.iter().map(|step| if let Step::Send(_, bytes) = step { bytes.len() } else { 0 }).sum();
    let mut at = at.index(total.max(1));
    for index in 0..steps.len() {
        let Step::Send(client, bytes) = &mut steps[index] else { continue };
        if at >= bytes.len() {
            at -= bytes.len();
            continue;
        }
        let until = |count: u8| bytes.len().min(at + usize::from(count));
        match *change {
            Change::Flip(_, bit) => bytes[at] ^= 1 << bit,
            Change::Set(_, byte) => bytes[at] = byte,
            Change::Drop(_, count) => drop(bytes.drain(at..until(count))),
            Change::Double(_, count) => {
                let doubled = bytes[at..until(count)].to_vec();
                bytes.splice(at..at, doubled);
            }
            Change::Cut(_) => {
                let client = client.clone();
                bytes.truncate(at);
                for step in &mut steps[index + 1..] {
                    if let Step::Send(other, bytes) = step
                        && *other == client
                    {
                        bytes.clear();
                    }
                }
            }
        }
        return;
    }
}

/// What the script's clients send, byte by byte as they would.
fn record<L: Language>(script: &str) -> Vec<Step> {
    let mut player = Player::<L>::new(Feed::Whole);
    player.rig.start_recording();
    for line in script.lines() {
        let is_answer = line.split_once(' ').is_some_and(|(client, _)| client.ends_with('<'));
        if !is_answer && !line.is_empty() && !line.starts_with('#') {
            let _answers = player.play(line);
        }
    }
    player.rig.take_recorded()
}

/// Plays the steps. Whatever was sent, what comes back is whole frames, and afterwards nothing is left of the clients
/// and the next one is served.
fn play<L: Language>(player: &mut Player<L>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Send(client, bytes) => player.rig.send(client, bytes),
            Step::Control(words) => player.rig.control(&words.split_whitespace().collect::<Vec<_>>()),
        }
        let _lines = player.output();
    }
    player.rig.hang_up_all();
    let answers = player.play(&format!("next> {}", L::CONNECT));
    assert!(answers.is_empty(), "{answers:?}");
    assert_eq!(player.rig.connection_count(), 1);
}

/// The conversations of a folder, changed in 200 ways: the broker comes out whole.
pub fn check_changed<L: Language>(folder: &Path) {
    let conversations: Vec<Vec<Step>> =
        scripts(folder).iter().map(|(_, script)| record::<L>(script)).collect();
    let changes = proptest::collection::vec(change(), 0..6);
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(which in any::<Index>(), changes in changes)| {
        let mut steps = which.get(&conversations).clone();
        changes.iter().for_each(|change| apply(&mut steps, change));
        play(&mut Player::<L>::new(Feed::Whole), &steps);
    });
}

/// The conversations of a folder, each ended after every step.
pub fn check_ends<L: Language>(folder: &Path) {
    for (_, script) in scripts(folder) {
        let steps = record::<L>(&script);
        // One broker, emptied each time: passwords are dear to check.
        let mut player = Player::<L>::new(Feed::Whole);
        for last in 0..steps.len() {
            play(&mut player, &steps[..last]);
            player.rig.start_over();
        }
    }
}
