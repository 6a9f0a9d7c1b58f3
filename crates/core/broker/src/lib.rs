//! The facade of the core: one [`Broker`] per shard takes commands from protocol adapters and facts from the host, and
//! answers with results and effects.
//!
//! Owns: namespaces, nodes, bindings, queues, sessions, transactions, settings and policies, users and permissions, the
//! dead-letter route, paging, checkpoints and recovery. Must not know: any protocol, any vendor's words (those come
//! through [`Dialect`]), sockets, threads, clocks, files (those come through [`Log`], [`Now`] and [`RecordSource`]).
//!
//! Invariants: one verb, one place for its rules, whatever the protocol; every verb authorises (S5); an answer that
//! promises durability carries a [`Receipt`], and only the log can prove it ([`Durable`], I8); the same calls with the
//! same times and random bytes give the same state and the same records.
//!
//! Reading order: [`Broker`], then one file per verb, `deliver.rs` for what follows from each, `recovery.rs`.

#![forbid(unsafe_code)]

mod access;
mod address;
mod alarm;
mod apply;
mod bindings;
mod branches;
mod broker;
mod browse;
mod challenge;
mod checkpoint;
mod clients;
mod connection;
mod consume;
mod dead_letter;
mod definition;
mod deliver;
mod dialect;
mod effect;
mod error;
mod events;
mod figures;
mod forward;
mod forwarding;
mod get;
mod incident;
mod intake;
mod lapse;
mod ledger;
mod lifetime;
mod limits;
mod link_address;
mod log;
mod namespace;
mod namespaces;
mod nodes;
mod operator;
mod outside;
mod paging;
mod password;
mod place;
mod policy;
mod pressure;
mod producers;
mod provide;
mod publish;
mod queue_table;
mod queues;
mod recent;
mod records;
mod recovery;
mod remarks;
mod retained;
mod review;
mod scheduled;
mod selector;
mod session;
mod session_state;
mod settings;
mod settle;
mod slow;
mod sole_name;
mod subscription;
mod time;
mod timers;
mod transaction;
mod wide;

pub use access::{LoginCheck, LoginRefused, LoginResult, LoginStep};
pub use address::{
    AddressError, AddressOptions, AddressQueue, AddressRequest, Addresses, HeaderWords, ReplyPlace, ReplyTo,
    Source, SourceQueue, Sources, Target,
};
pub use alarm::Alarm;
pub use branches::{BranchError, BranchId, BranchView, Commit, Decision, NoBranchId, RollbackReason, Vote};
pub use broker::{Broker, BrokerConfig, Counters, Done};
pub use browse::{Browse, BrowsePage, BrowseSpec, BrowsedMessage};
pub use challenge::ChallengeLogin;
pub use checkpoint::LogRequest;
pub use clients::{
    Attached, ClientId, ClientPage, ClientSpec, ClientView, Once, Subscribed, Subscription, Will,
};
pub use connection::ConnectionInfo;
pub use consume::{ConsumeSpec, ConsumerCredit};
pub use definition::{
    AppliesTo, BindingRecord, ClientRecord, Definition, GrantsDefinition, KeyPermissionDefinition,
    NamespaceRecord, NodeRecord, PermissionDefinition, PolicyRank, PolicyRecord, QueueRecord,
    SubscriptionRecord, TargetKind, UserDefinition,
};
pub use dialect::{
    ArgumentError, DeadMessage, Dialect, Grave, Guard, Predefined, Provided, QueueClass, QueueOptions,
};
pub use effect::{ConnectionId, ConsumerId, Deliver, DeliverFrom, DeliveryId, Effect, EndReason, SessionId};
pub use error::{Error, Kind, LimitKind, QueueProperty, Verb};
pub use events::{
    Change, Event, EventConnection, EventConsumer, EventMessage, EventPlace, EventProducer, Fate, Herald,
    Teller,
};
pub use figures::{Figures, Question};
pub use forwarding::{Forward, Forwards, Keeps};
pub use get::GetOutcome;
pub use incident::Incident;
pub use intake::Intake;
pub use lapse::{Lapse, LapseStart};
pub use limits::Limits;
pub use link_address::{
    DefinitionAnswer, DefinitionNode, DefinitionRequest, LinkAddresses, LinkKey, LinkRequest, LinkTarget,
};
pub use log::{Appended, Durable, Grouping, Log, Receipt};
pub use nodes::NodeSpec;
pub use operator::{ConnectionView, ConsumerView, NodeView, QueueView, SessionView, Totals};
pub use outside::{OUTSIDE_LOGIN_MS, OutsideAnswer, OutsideUser, OutsideUsers};
pub use paging::{LoadJob, LoadResult, RecordSource};
pub use password::{MadePassword, PasswordRecipe};
pub use place::{Place, PlaceWishes, Places};
pub use producers::MessageOrigin;
pub use publish::{Publish, Published};
pub use queues::{QueueSpec, QueueStatus};
pub use recent::Recall;
pub use recovery::{OtherDialect, ReplayError};
pub use remarks::RemarkPlace;
pub use retained::{RetainedPage, RetainedRead};
pub use scheduled::{
    Calendar, CalendarError, Schedule, ScheduleAction, ScheduleError, ScheduleOrder, ScheduleProblem,
    ScheduleWords, ScheduledView, Timing,
};
pub use selector::Filters;
pub use session::{Phase, Request, Session};
pub use settings::{Effective, Origin};
pub use settle::{Outcome, SettleRange};
pub use slow::{SlowEnd, SlowRule, SlowSign};
pub use subscription::SubscriptionSpec;
pub use time::Now;
pub use transaction::Committed;
