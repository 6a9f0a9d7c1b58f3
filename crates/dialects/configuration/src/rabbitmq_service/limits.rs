//! Limits by instance type and deployment mode: what a broker has when its configuration says nothing, and the most that
//! a configuration may ask for.

use super::{
    Chosen, keys,
    size::{Mode, Size},
};

/// Something that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Connections of a node.
    Connections,
    /// Channels of a node.
    Channels,
    /// Queues of the broker.
    Queues,
    /// Virtual hosts of the broker.
    VirtualHosts,
    /// Shovels: of a node when there is one, of the broker when there are three.
    Shovels,
    /// Exchanges of the broker.
    Exchanges,
    /// Consumers of a channel.
    Consumers,
    /// Bytes of a message.
    MessageBytes,
}

/// A limit of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What counts when the configuration does not say.
    pub default: u64,
    /// The most that a configuration may say.
    pub most: u64,
}

const fn bound(default: u64, most: u64) -> Bound {
    Bound { default, most }
}

const CONSUMERS: Bound = bound(10, 1_000);
const MESSAGE_BYTES: Bound = bound(524_288, 134_217_728);

/// A row of the tables: connections, channels, queues, virtual hosts, shovels, exchanges.
type Row = (Size, [Bound; 6]);

macro_rules! rows {
    ($($size:ident: $($default:literal / $most:literal),*;)*) => {
        &[$((Size::$size, [$(bound($default, $most)),*])),*]
    };
}

/// RabbitMQ on one node.
const SINGLE: &[Row] = rows! {
    M7gMedium: 100/300, 500/900, 500/2_500, 10/10, 30/150, 500/12_500;
    M7gLarge: 1_500/5_000, 4_500/15_000, 1_000/20_000, 50/1_500, 50/250, 1_000/100_000;
    M7gXLarge: 3_000/10_000, 9_000/30_000, 2_000/30_000, 100/1_500, 100/500, 2_000/150_000;
    M7gX2Large: 6_000/20_000, 18_000/60_000, 4_000/40_000, 150/1_500, 200/1_000, 4_000/200_000;
    M7gX4Large: 12_000/40_000, 36_000/120_000, 8_000/60_000, 200/1_500, 400/2_000, 8_000/300_000;
    M7gX8Large: 24_000/80_000, 72_000/240_000, 16_000/80_000, 250/1_500, 800/4_000, 16_000/400_000;
    M7gX12Large: 36_000/120_000, 108_000/360_000, 24_000/100_000, 300/1_500, 1_200/6_000, 24_000/500_000;
    M7gX16Large: 48_000/160_000, 144_000/480_000, 32_000/120_000, 350/1_500, 1_600/8_000, 32_000/600_000;
};

/// RabbitMQ on three nodes; connections and channels are those of each.
const CLUSTER: &[Row] = rows! {
    M7gMedium: 100/300, 300/900, 100/500, 10/10, 10/50, 100/500;
    M7gLarge: 500/5_000, 1_500/15_000, 1_000/10_000, 50/1_500, 30/150, 1_000/50_000;
    M7gXLarge: 1_000/10_000, 3_000/30_000, 2_000/15_000, 100/1_500, 60/300, 2_000/75_000;
    M7gX2Large: 2_000/20_000, 6_000/60_000, 4_000/20_000, 150/1_500, 120/600, 4_000/100_000;
    M7gX4Large: 4_000/40_000, 12_000/120_000, 8_000/30_000, 200/1_500, 240/1_200, 8_000/150_000;
    M7gX8Large: 8_000/80_000, 24_000/240_000, 16_000/40_000, 250/1_500, 480/2_400, 16_000/200_000;
    M7gX12Large: 12_000/120_000, 36_000/360_000, 24_000/50_000, 300/1_500, 720/3_600, 24_000/250_000;
    M7gX16Large: 16_000/160_000, 48_000/480_000, 32_000/60_000, 350/1_500, 960/4_800, 32_000/300_000;
};

/// The m5 types, of which only the most is given, and nothing of virtual hosts and exchanges: connections, channels, then
/// queues and shovels of one node, queues and shovels of three.
const M5: &[(Size, [u64; 6])] = &[
    (Size::M5Large, [5_000, 15_000, 30_000, 250, 10_000, 150]),
    (Size::M5XLarge, [10_000, 30_000, 60_000, 500, 15_000, 300]),
    (Size::M5X2Large, [20_000, 60_000, 120_000, 1_000, 20_000, 600]),
    (Size::M5X4Large, [40_000, 120_000, 240_000, 2_000, 30_000, 1_200]),
];

/// A limit of a broker; absent where the type has none.
#[must_use]
pub fn bound_of(limit: Limit, size: Size, mode: Mode) -> Option<Bound> {
    let index = match limit {
        Limit::Consumers => return Some(CONSUMERS),
        Limit::MessageBytes => return Some(MESSAGE_BYTES),
        Limit::Connections => 0,
        Limit::Channels => 1,
        Limit::Queues => 2,
        Limit::VirtualHosts => 3,
        Limit::Shovels => 4,
        Limit::Exchanges => 5,
    };
    let table = match mode {
        Mode::SingleInstance => SINGLE,
        Mode::Cluster => CLUSTER,
    };
    if let Some((_, row)) = table.iter().find(|(of, _)| *of == size) {
        return row.get(index).copied();
    }
    let (_, row) = M5.iter().find(|(of, _)| *of == size)?;
    let column = match (limit, mode) {
        (Limit::Queues, Mode::SingleInstance) => 2,
        (Limit::Shovels, Mode::SingleInstance) => 3,
        (Limit::Queues, Mode::Cluster) => 4,
        (Limit::Shovels, Mode::Cluster) => 5,
        (Limit::Connections | Limit::Channels, _) => index,
        _ => return None,
    };
    row.get(column).map(|most| bound(*most, *most))
}

/// A configuration that asks for more than the broker's type has. Its text is the service's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Configuration Revision {revision} for configuration:{key} has limit: of value: {value} larger than maximum \
     allowed limit:{most}"
)]
pub struct LimitExceeded {
    /// Revision of the configuration.
    pub revision: u32,
    /// Key of the limit.
    pub key: &'static str,
    /// What it is set to.
    pub value: u64,
    /// The most that the type allows.
    pub most: u64,
}

/// Looks whether a broker of this type can have the configuration.
///
/// # Errors
/// The first limit, in the order of the keys, that is above the type's most.
pub fn check_limits(chosen: &Chosen, size: Size, mode: Mode, revision: u32) -> Result<(), LimitExceeded> {
    for (key, limit) in keys::limits() {
        let (Some(value), Some(bound)) = (chosen.limit(key), bound_of(limit, size, mode)) else { continue };
        if value > bound.most {
            return Err(LimitExceeded { revision, key, value, most: bound.most });
        }
    }
    Ok(())
}

/// What a broker has of a limit: as chosen, but never more than its type's most, or else the default. A broker of
/// version 3 always has the most.
pub(super) fn in_force(chosen: &Chosen, key: &str, limit: Limit, size: Size, mode: Mode) -> Option<u64> {
    let asked = chosen.limit(key);
    match bound_of(limit, size, mode) {
        None => asked,
        Some(bound) if !chosen.version().is_at_least(4, 0, 0) => Some(bound.most),
        Some(bound) => Some(asked.unwrap_or(bound.default).min(bound.most)),
    }
}
