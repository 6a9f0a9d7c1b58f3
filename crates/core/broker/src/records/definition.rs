//! Layout of definitions: one byte of what, then its fields in order.

use std::sync::Arc;

use ternmq_access::{HashKind, PasswordHash, SaltKey, ScramVerifier};
use ternmq_routing::{HashBy, NodeKind};
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use super::{
    grants::{read_grants, write_grants},
    value::{read_map, write_map},
};
use crate::{
    definition::{
        AppliesTo, BindingRecord, ClientRecord, Definition, GrantsDefinition, KeyPermissionDefinition,
        LapseRecord, NamespaceRecord, NodeRecord, PermissionDefinition, PolicyRank, PolicyRecord,
        QueueRecord, SubscriptionRecord, TargetKind, UserDefinition,
    },
    dialect::QueueClass,
    lapse::{Lapse, LapseStart},
};

pub(crate) fn write_definition(out: &mut Writer, definition: &Definition) {
    match definition {
        Definition::PutNamespace(record) => {
            out.u8(1).text(&record.name).text(&record.description);
            write_texts(out, &record.tags);
            out.opt_u64(record.max_connections).opt_u64(record.max_queues);
        }
        Definition::DeleteNamespace(name) => {
            out.u8(2).text(name);
        }
        Definition::PutNode(record) => write_node(out.u8(3), record),
        Definition::DeleteNode { namespace, name } => {
            out.u8(4).text(namespace).text(name);
        }
        Definition::PutQueue(record) => write_queue(out.u8(5), record),
        Definition::DeleteQueue { id } => {
            out.u8(6).u32(*id);
        }
        Definition::PutBinding(record) => write_binding(out.u8(7), record),
        Definition::DeleteBinding(record) => write_binding(out.u8(8), record),
        Definition::PutUser(record) => write_user(out, record),
        Definition::DeleteUser(name) => {
            out.u8(10).text(name);
        }
        Definition::PutPermission(record) => {
            out.u8(11).text(&record.user).text(&record.namespace);
            out.text(&record.configure).text(&record.write).text(&record.read);
        }
        Definition::DeletePermission { user, namespace } => {
            out.u8(12).text(user).text(namespace);
        }
        Definition::PutKeyPermission(record) => {
            out.u8(13).text(&record.user).text(&record.namespace).text(&record.node);
            out.text(&record.write).text(&record.read);
        }
        Definition::DeleteKeyPermission { user, namespace, node } => {
            out.u8(14).text(user).text(namespace).opt_text(node.as_deref());
        }
        Definition::PutPolicy(record) => write_policy(out.u8(15), record),
        Definition::PutClient(record) => write_client(out.u8(17), record),
        Definition::DeleteClient { id } => {
            out.u8(18).u32(*id);
        }
        Definition::PutSubscription(record) => write_subscription(out.u8(19), record),
        Definition::DeleteSubscription { client, number } => {
            out.u8(20).u32(*client).u32(*number);
        }
        Definition::DeletePolicy { namespace, rank, name } => {
            out.u8(16).text(namespace).u8(rank_code(*rank)).text(name);
        }
        Definition::PutRemnant(record) => write_queue(out.u8(21), record),
        Definition::PutMark(mark) => {
            out.u8(22).text(mark);
        }
        Definition::PutGrants(definition) => {
            write_grants(out.u8(23).text(&definition.user), &definition.grants);
        }
        Definition::DeleteGrants(user) => {
            out.u8(24).text(user);
        }
        Definition::PutLapse(record) => write_lapse(out.u8(27), record),
        Definition::PutSaltKey(key) => {
            out.u8(26).raw(key.expose());
        }
    }
}

pub(crate) fn read_definition(payload: &[u8]) -> Result<Definition, BadLayout> {
    let mut input = Reader::new(payload);
    let bad = input.bad();
    let definition = match input.u8()? {
        1 => Definition::PutNamespace(NamespaceRecord {
            name: input.text()?,
            description: input.text()?,
            tags: read_texts(&mut input)?,
            max_connections: input.opt_u64()?,
            max_queues: input.opt_u64()?,
        }),
        2 => Definition::DeleteNamespace(input.text()?),
        3 => Definition::PutNode(read_node(&mut input)?),
        4 => Definition::DeleteNode { namespace: input.text()?, name: input.text()? },
        5 => Definition::PutQueue(read_queue(&mut input)?),
        6 => Definition::DeleteQueue { id: input.u32()? },
        7 => Definition::PutBinding(read_binding(&mut input)?),
        8 => Definition::DeleteBinding(read_binding(&mut input)?),
        9 => Definition::PutUser(read_user(&mut input, None)?),
        10 => Definition::DeleteUser(input.text()?),
        11 => Definition::PutPermission(PermissionDefinition {
            user: input.text()?,
            namespace: input.text()?,
            configure: input.text()?,
            write: input.text()?,
            read: input.text()?,
        }),
        12 => Definition::DeletePermission { user: input.text()?, namespace: input.text()? },
        13 => Definition::PutKeyPermission(KeyPermissionDefinition {
            user: input.text()?,
            namespace: input.text()?,
            node: input.text()?,
            write: input.text()?,
            read: input.text()?,
        }),
        14 => Definition::DeleteKeyPermission {
            user: input.text()?,
            namespace: input.text()?,
            node: input.opt_text()?,
        },
        15 => Definition::PutPolicy(read_policy(&mut input)?),
        16 => Definition::DeletePolicy {
            namespace: input.text()?,
            rank: read_rank(&mut input)?,
            name: input.text()?,
        },
        17 => Definition::PutClient(read_client(&mut input)?),
        18 => Definition::DeleteClient { id: input.u32()? },
        19 => Definition::PutSubscription(read_subscription(&mut input)?),
        20 => Definition::DeleteSubscription { client: input.u32()?, number: input.u32()? },
        21 => Definition::PutRemnant(read_queue(&mut input)?),
        22 => Definition::PutMark(input.text()?),
        23 => {
            Definition::PutGrants(GrantsDefinition { user: input.text()?, grants: read_grants(&mut input)? })
        }
        24 => Definition::DeleteGrants(input.text()?),
        25 => {
            let scram = ScramVerifier::import(&input.text()?).map_err(|_| bad)?;
            Definition::PutUser(read_user(&mut input, Some(scram))?)
        }
        26 => {
            let bytes = input.raw(SaltKey::BYTES)?.try_into().map_err(|_| bad)?;
            Definition::PutSaltKey(SaltKey::new(bytes))
        }
        27 => Definition::PutLapse(read_lapse(&mut input)?),
        _ => return Err(bad),
    };
    if input.remaining() > 0 { Err(input.bad()) } else { Ok(definition) }
}

/// One without a verifier has the layout from before there were such.
fn write_user(out: &mut Writer, record: &UserDefinition) {
    match &record.scram {
        None => out.u8(9),
        Some(scram) => out.u8(25).text(&scram.to_text()),
    };
    out.text(&record.name);
    match &record.password {
        None => out.u8(0),
        Some(hash) => out.u8(hash_code(hash.kind())).text(&hash.to_text()),
    };
    write_texts(out, &record.tags);
    out.opt_u64(record.max_connections).opt_u64(record.max_sessions);
}

fn read_user(input: &mut Reader<'_>, scram: Option<ScramVerifier>) -> Result<UserDefinition, BadLayout> {
    Ok(UserDefinition {
        name: input.text()?,
        password: read_hash(input)?,
        scram,
        tags: read_texts(input)?,
        max_connections: input.opt_u64()?,
        max_sessions: input.opt_u64()?,
    })
}

fn write_opt_u32(out: &mut Writer, number: Option<u32>) {
    out.opt_u64(number.map(u64::from));
}

fn read_opt_u32(input: &mut Reader<'_>) -> Result<Option<u32>, BadLayout> {
    let bad = input.bad();
    input.opt_u64()?.map(|number| u32::try_from(number).map_err(|_| bad)).transpose()
}

fn write_tokens(out: &mut Writer, tokens: &[u16]) {
    out.count(tokens.len());
    for token in tokens {
        out.u16(*token);
    }
}

fn read_tokens(input: &mut Reader<'_>) -> Result<Vec<u16>, BadLayout> {
    let count = input.count(2)?;
    (0..count).map(|_| input.u16()).collect()
}

fn write_client(out: &mut Writer, record: &ClientRecord) {
    out.u32(record.id).text(&record.namespace).text(&record.name).text(&record.user);
    out.u64(record.keep_ms).opt_u64(record.left_at_ms);
    write_opt_u32(out, record.queue);
    write_tokens(out, &record.taken);
    write_tokens(out, &record.released);
}

fn read_client(input: &mut Reader<'_>) -> Result<ClientRecord, BadLayout> {
    Ok(ClientRecord {
        id: input.u32()?,
        namespace: input.text()?,
        name: input.text()?,
        user: input.text()?,
        keep_ms: input.u64()?,
        left_at_ms: input.opt_u64()?,
        queue: read_opt_u32(input)?,
        taken: read_tokens(input)?,
        released: read_tokens(input)?,
    })
}

fn write_subscription(out: &mut Writer, record: &SubscriptionRecord) {
    out.u32(record.client).u32(record.number).text(&record.key).opt_text(record.group.as_deref());
    write_opt_u32(out, record.queue);
    out.u64(record.label).bool(record.skips_own).bool(record.needs_settle);
}

fn read_subscription(input: &mut Reader<'_>) -> Result<SubscriptionRecord, BadLayout> {
    Ok(SubscriptionRecord {
        client: input.u32()?,
        number: input.u32()?,
        key: input.text()?,
        group: input.opt_text()?,
        queue: read_opt_u32(input)?,
        label: input.u64()?,
        skips_own: input.bool()?,
        needs_settle: input.bool()?,
    })
}

/// One byte of what its time waits for, 0 when it does not end of itself, then the times.
fn write_lapse(out: &mut Writer, record: &LapseRecord) {
    out.u32(record.queue);
    match record.lapse {
        None => out.u8(0),
        Some(Lapse { starts, after_ms }) => out.u8(start_code(starts)).u64(after_ms),
    };
    out.opt_u64(record.left_at_ms);
}

fn read_lapse(input: &mut Reader<'_>) -> Result<LapseRecord, BadLayout> {
    let queue = input.u32()?;
    let bad = input.bad();
    let starts = match input.u8()? {
        0 => None,
        1 => Some(LapseStart::NoConsumer),
        2 => Some(LapseStart::SessionEnd),
        3 => Some(LapseStart::ConnectionEnd),
        _ => return Err(bad),
    };
    let lapse = match starts {
        None => None,
        Some(starts) => Some(Lapse { starts, after_ms: input.u64()? }),
    };
    Ok(LapseRecord { queue, lapse, left_at_ms: input.opt_u64()? })
}

fn start_code(start: LapseStart) -> u8 {
    match start {
        LapseStart::NoConsumer => 1,
        LapseStart::SessionEnd => 2,
        LapseStart::ConnectionEnd => 3,
    }
}

fn hash_code(kind: HashKind) -> u8 {
    match kind {
        HashKind::Argon2id => 1,
        HashKind::SaltedSha256 => 2,
        HashKind::SaltedSha512 => 3,
        // Never made: importing one is refused.
        HashKind::SaltedMd5 => 4,
    }
}

fn read_hash(input: &mut Reader<'_>) -> Result<Option<PasswordHash>, BadLayout> {
    let bad = input.bad();
    let kind = match input.u8()? {
        0 => return Ok(None),
        1 => HashKind::Argon2id,
        2 => HashKind::SaltedSha256,
        3 => HashKind::SaltedSha512,
        _ => return Err(bad),
    };
    let text = input.text()?;
    PasswordHash::import(kind, &text).map(Some).map_err(|_| bad)
}

fn write_texts(out: &mut Writer, texts: &[Arc<str>]) {
    out.count(texts.len());
    for text in texts {
        out.text(text);
    }
}

fn read_texts(input: &mut Reader<'_>) -> Result<Vec<Arc<str>>, BadLayout> {
    let count = input.count(4)?;
    (0..count).map(|_| input.text()).collect()
}

fn write_node(out: &mut Writer, record: &NodeRecord) {
    out.text(&record.namespace).text(&record.name);
    match &record.kind {
        NodeKind::Direct => out.u8(0),
        NodeKind::Fanout => out.u8(1),
        NodeKind::Topic => out.u8(2),
        NodeKind::Headers => out.u8(3),
        NodeKind::Hash(HashBy::Key) => out.u8(4),
        NodeKind::Hash(HashBy::Header(name)) => out.u8(5).text(name),
        NodeKind::Hash(HashBy::MessageId) => out.u8(6),
        NodeKind::Hash(HashBy::CorrelationId) => out.u8(7),
        NodeKind::Hash(HashBy::Timestamp) => out.u8(8),
    };
    out.bool(record.is_durable).bool(record.is_auto_delete).bool(record.is_internal);
    write_map(out, &record.arguments);
}

fn read_node(input: &mut Reader<'_>) -> Result<NodeRecord, BadLayout> {
    let (namespace, name) = (input.text()?, input.text()?);
    let bad = input.bad();
    let kind = match input.u8()? {
        0 => NodeKind::Direct,
        1 => NodeKind::Fanout,
        2 => NodeKind::Topic,
        3 => NodeKind::Headers,
        4 => NodeKind::Hash(HashBy::Key),
        5 => NodeKind::Hash(HashBy::Header(input.text()?)),
        6 => NodeKind::Hash(HashBy::MessageId),
        7 => NodeKind::Hash(HashBy::CorrelationId),
        8 => NodeKind::Hash(HashBy::Timestamp),
        _ => return Err(bad),
    };
    Ok(NodeRecord {
        namespace,
        name,
        kind,
        is_durable: input.bool()?,
        is_auto_delete: input.bool()?,
        is_internal: input.bool()?,
        arguments: read_map(input)?,
    })
}

fn write_queue(out: &mut Writer, record: &QueueRecord) {
    out.u32(record.id).u64(record.incarnation).text(&record.namespace).text(&record.name);
    out.u8(match record.class {
        QueueClass::Classic => 0,
        QueueClass::Quorum => 1,
    });
    out.bool(record.is_durable).bool(record.is_auto_delete);
    write_map(out, &record.arguments);
}

fn read_queue(input: &mut Reader<'_>) -> Result<QueueRecord, BadLayout> {
    let (id, incarnation) = (input.u32()?, input.u64()?);
    let (namespace, name) = (input.text()?, input.text()?);
    let bad = input.bad();
    let class = match input.u8()? {
        0 => QueueClass::Classic,
        1 => QueueClass::Quorum,
        _ => return Err(bad),
    };
    let (is_durable, is_auto_delete) = (input.bool()?, input.bool()?);
    let arguments = read_map(input)?;
    Ok(QueueRecord { id, incarnation, namespace, name, class, is_durable, is_auto_delete, arguments })
}

fn write_binding(out: &mut Writer, record: &BindingRecord) {
    out.text(&record.namespace).text(&record.source);
    out.bool(record.target_kind == TargetKind::Node).text(&record.target).text(&record.key);
    write_map(out, &record.arguments);
}

fn read_binding(input: &mut Reader<'_>) -> Result<BindingRecord, BadLayout> {
    Ok(BindingRecord {
        namespace: input.text()?,
        source: input.text()?,
        target_kind: if input.bool()? { TargetKind::Node } else { TargetKind::Queue },
        target: input.text()?,
        key: input.text()?,
        arguments: read_map(input)?,
    })
}

fn rank_code(rank: PolicyRank) -> u8 {
    match rank {
        PolicyRank::User => 0,
        PolicyRank::Operator => 1,
    }
}

fn read_rank(input: &mut Reader<'_>) -> Result<PolicyRank, BadLayout> {
    Ok(if input.bool()? { PolicyRank::Operator } else { PolicyRank::User })
}

fn write_policy(out: &mut Writer, record: &PolicyRecord) {
    out.text(&record.namespace).text(&record.name).u8(rank_code(record.rank)).text(&record.pattern);
    out.u8(match record.applies_to {
        AppliesTo::All => 0,
        AppliesTo::Queues => 1,
        AppliesTo::ClassicQueues => 2,
        AppliesTo::QuorumQueues => 3,
        AppliesTo::Nodes => 4,
    });
    out.raw(&record.priority.to_le_bytes());
    write_map(out, &record.definition);
}

fn read_policy(input: &mut Reader<'_>) -> Result<PolicyRecord, BadLayout> {
    let (namespace, name) = (input.text()?, input.text()?);
    let rank = read_rank(input)?;
    let pattern = input.text()?;
    let bad = input.bad();
    let applies_to = match input.u8()? {
        0 => AppliesTo::All,
        1 => AppliesTo::Queues,
        2 => AppliesTo::ClassicQueues,
        3 => AppliesTo::QuorumQueues,
        4 => AppliesTo::Nodes,
        _ => return Err(bad),
    };
    let priority = i32::from_le_bytes(input.u32()?.to_le_bytes());
    let definition = read_map(input)?;
    Ok(PolicyRecord { namespace, name, rank, pattern, applies_to, priority, definition })
}

#[cfg(test)]
mod tests {
    use ternmq_message::Value;

    use super::*;

    fn binding() -> BindingRecord {
        BindingRecord {
            namespace: "/".into(),
            source: "s".into(),
            target_kind: TargetKind::Queue,
            target: "t".into(),
            key: "k".into(),
            arguments: vec![("a".into(), Value::I32(1))],
        }
    }

    fn queue() -> QueueRecord {
        QueueRecord {
            id: 7,
            incarnation: 8,
            namespace: "/".into(),
            name: "q".into(),
            class: QueueClass::Quorum,
            is_durable: true,
            is_auto_delete: false,
            arguments: vec![("x".into(), Value::str("y"))],
        }
    }

    fn clients() -> Vec<Definition> {
        vec![
            Definition::PutClient(ClientRecord {
                id: 1,
                namespace: "/".into(),
                name: "c".into(),
                user: "u".into(),
                keep_ms: 2,
                left_at_ms: Some(3),
                queue: Some(4),
                taken: vec![5, 6],
                released: vec![7],
            }),
            Definition::DeleteClient { id: 1 },
            Definition::PutSubscription(SubscriptionRecord {
                client: 1,
                number: 2,
                key: "a.*".into(),
                group: Some("g".into()),
                queue: Some(3),
                label: 4,
                skips_own: true,
                needs_settle: true,
            }),
            Definition::DeleteSubscription { client: 1, number: 2 },
        ]
    }

    fn lapses() -> impl Iterator<Item = Definition> {
        let all = [LapseStart::NoConsumer, LapseStart::SessionEnd, LapseStart::ConnectionEnd];
        let all = all.map(|starts| Some(Lapse { starts, after_ms: 5 }));
        all.into_iter().chain([None]).flat_map(|lapse| {
            [None, Some(6)]
                .map(|left_at_ms| Definition::PutLapse(LapseRecord { queue: 7, lapse, left_at_ms }))
        })
    }

    fn scram_user() -> Definition {
        Definition::PutUser(UserDefinition {
            name: "u".into(),
            scram: ScramVerifier::make(&"secret".into(), &[7; 16]),
            ..UserDefinition::default()
        })
    }

    fn one_of_each() -> Vec<Definition> {
        let node = |kind| {
            Definition::PutNode(NodeRecord {
                namespace: "/".into(),
                name: "n".into(),
                kind,
                is_durable: true,
                is_auto_delete: false,
                is_internal: true,
                arguments: vec![],
            })
        };
        vec![
            Definition::PutNamespace(NamespaceRecord {
                name: "/".into(),
                description: "d".into(),
                tags: vec!["t".into()],
                max_connections: Some(1),
                max_queues: None,
            }),
            Definition::DeleteNamespace("/".into()),
            node(NodeKind::Topic),
            node(NodeKind::Hash(HashBy::Header("h".into()))),
            Definition::DeleteNode { namespace: "/".into(), name: "n".into() },
            Definition::PutQueue(queue()),
            Definition::PutRemnant(queue()),
            Definition::DeleteQueue { id: 7 },
            Definition::PutMark("m".into()),
            Definition::PutBinding(binding()),
            Definition::DeleteBinding(binding()),
            Definition::PutUser(UserDefinition {
                name: "u".into(),
                password: PasswordHash::import(
                    HashKind::SaltedSha256,
                    "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
                )
                .ok(),
                scram: None,
                tags: vec!["administrator".into()],
                max_connections: None,
                max_sessions: Some(3),
            }),
            scram_user(),
            Definition::PutSaltKey(SaltKey::new([7; SaltKey::BYTES])),
            Definition::DeleteUser("u".into()),
            Definition::PutPermission(PermissionDefinition { user: "u".into(), ..Default::default() }),
            Definition::DeletePermission { user: "u".into(), namespace: "/".into() },
            Definition::PutKeyPermission(KeyPermissionDefinition { node: "n".into(), ..Default::default() }),
            Definition::DeleteKeyPermission { user: "u".into(), namespace: "/".into(), node: None },
            Definition::PutPolicy(PolicyRecord {
                namespace: "/".into(),
                name: "p".into(),
                rank: PolicyRank::Operator,
                pattern: "^q".into(),
                applies_to: AppliesTo::QuorumQueues,
                priority: -1,
                definition: vec![("max-length".into(), Value::I64(9))],
            }),
            Definition::DeletePolicy { namespace: "/".into(), rank: PolicyRank::User, name: "p".into() },
        ]
    }

    #[test]
    fn each_definition_comes_back_and_no_truncation_is_taken() {
        for definition in one_of_each().into_iter().chain(clients()).chain(lapses()) {
            let mut out = Writer::default();
            write_definition(&mut out, &definition);
            assert_eq!(read_definition(out.bytes()).as_ref(), Ok(&definition));
            for len in 0..out.bytes().len() {
                assert!(read_definition(&out.bytes()[..len]).is_err(), "{definition:?} cut at {len}");
            }
        }
    }
}
