//! Puts the management API together with this node: the way to the shard, and facts of the process.

use std::fs;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process;
use std::sync::Arc;
use std::thread;

use ternmq_broker::{Broker, Receipt};
use ternmq_env::{Clock, DiskFiles, Files, SystemClock};
use ternmq_management::{Control, Desk, Facts, NodeFacts, NodeListener, Question, Unavailable};
use ternmq_net::{Busy, ShardHandle, View};

use crate::memory;

/// The shard, as the management API reaches it.
pub(crate) struct ShardControl {
    pub(crate) handle: ShardHandle,
}

struct ShardDesk<'a, 'b> {
    view: &'a mut View<'b>,
}

impl Desk for ShardDesk<'_, '_> {
    fn broker(&mut self) -> &mut Broker {
        self.view.broker
    }

    fn when_durable(&mut self, receipt: Receipt, notify: Box<dyn FnOnce() + Send>) {
        self.view.when_durable(receipt, notify);
    }
}

impl Control for ShardControl {
    fn call(&self, question: Question) -> Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send + '_>> {
        Box::pin(async move {
            let answer = self.handle.call(move |view| question(&mut ShardDesk { view })).await;
            answer.map_err(|busy| match busy {
                Busy::TooManyWaiting => Unavailable::Busy,
                Busy::Ended => Unavailable::Ended,
            })
        })
    }
}

/// This process.
pub(crate) struct ProcessFacts {
    clock: SystemClock,
    compatible_version: Arc<str>,
    cluster_name: Arc<str>,
    files: Arc<DiskFiles>,
    listeners: Vec<NodeListener>,
    memory_limit_bytes: u64,
    disk_limit_bytes: u64,
    descriptors_limit: u64,
}

impl ProcessFacts {
    pub(crate) fn new(
        compatible_version: Arc<str>,
        cluster_name: Arc<str>,
        files: Arc<DiskFiles>,
        ports: &[(String, SocketAddr)],
        memory_limit_bytes: u64,
        disk_limit_bytes: u64,
    ) -> Self {
        let of = |(name, address): &(String, SocketAddr)| NodeListener {
            protocol: (&**name).into(),
            address: *address,
        };
        Self {
            clock: SystemClock::new(),
            compatible_version,
            cluster_name,
            files,
            listeners: ports.iter().map(of).collect(),
            memory_limit_bytes,
            disk_limit_bytes,
            descriptors_limit: ternmq_net::file_limit(),
        }
    }
}

impl Facts for ProcessFacts {
    fn facts(&self) -> NodeFacts {
        NodeFacts {
            version: env!("CARGO_PKG_VERSION").into(),
            compatible_version: self.compatible_version.clone(),
            cluster_name: self.cluster_name.clone(),
            uptime_ms: self.clock.monotonic_ms(),
            process_id: process::id(),
            listeners: self.listeners.clone(),
            memory_used_bytes: memory::resident_bytes(),
            memory_limit_bytes: self.memory_limit_bytes,
            disk_free_bytes: self.files.free_bytes().ok(),
            disk_limit_bytes: self.disk_limit_bytes,
            descriptors_used: fs::read_dir("/proc/self/fd").ok().map(|names| names.count() as u64),
            descriptors_limit: Some(self.descriptors_limit),
            processors: thread::available_parallelism().map_or(1, |count| count.get() as u32),
        }
    }
}
