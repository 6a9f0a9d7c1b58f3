//! Performatives of the transport (AMQP 1.0 2.7).

use super::{
    descriptor::code,
    error::DecodeError,
    fields::{Fields, required},
    outcome::{DeliveryState, ErrorInfo},
    terminus::{AnyTarget, Source},
    value::{Map, Value, check, read_typed, usual_code},
    write::{
        ListWriter, put_binary, put_bool, put_map, put_string, put_ubyte, put_uint, put_ulong, put_ushort,
        put_value,
    },
};

/// Which end of a link a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It sends messages.
    Sender,
    /// It receives them.
    Receiver,
}

impl Role {
    fn decode(field: Option<bool>) -> Result<Self, DecodeError> {
        required(field, "role").map(|is_receiver| if is_receiver { Self::Receiver } else { Self::Sender })
    }

    fn is_receiver(self) -> bool {
        self == Self::Receiver
    }
}

/// How a sender settles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SenderSettleMode {
    /// Not before the receiver has said something.
    Unsettled,
    /// At once.
    Settled,
    /// Each delivery says it.
    #[default]
    Mixed,
}

/// How a receiver settles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceiverSettleMode {
    /// By itself.
    #[default]
    First,
    /// After the sender has.
    Second,
}

fn sender_mode(number: Option<u8>) -> Result<SenderSettleMode, DecodeError> {
    match number {
        Some(0) => Ok(SenderSettleMode::Unsettled),
        Some(1) => Ok(SenderSettleMode::Settled),
        None | Some(2) => Ok(SenderSettleMode::Mixed),
        Some(_) => Err(DecodeError::NotAllowed { what: "snd-settle-mode" }),
    }
}

fn receiver_mode(number: Option<u8>) -> Result<Option<ReceiverSettleMode>, DecodeError> {
    match number {
        None => Ok(None),
        Some(0) => Ok(Some(ReceiverSettleMode::First)),
        Some(1) => Ok(Some(ReceiverSettleMode::Second)),
        Some(_) => Err(DecodeError::NotAllowed { what: "rcv-settle-mode" }),
    }
}

fn receiver_mode_number(mode: ReceiverSettleMode) -> u8 {
    match mode {
        ReceiverSettleMode::First => 0,
        ReceiverSettleMode::Second => 1,
    }
}

/// open
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Open<'a> {
    /// Name of the peer.
    pub container_id: &'a str,
    /// Host that it means.
    pub hostname: Option<&'a str>,
    /// Largest frame in bytes that it takes.
    pub max_frame_size: u32,
    /// Highest channel number.
    pub channel_max: u16,
    /// Time in ms without any frame after which it ends the connection.
    pub idle_time_out: Option<u32>,
    /// Extensions that it has.
    pub offered_capabilities: Option<Value<'a>>,
    /// Extensions that it wants.
    pub desired_capabilities: Option<Value<'a>>,
    /// What it says of itself.
    pub properties: Option<Map<'a>>,
}

/// begin
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Begin<'a> {
    /// Channel of the peer's session that this answers.
    pub remote_channel: Option<u16>,
    /// Number of its first transfer.
    pub next_outgoing_id: u32,
    /// Transfers that it takes.
    pub incoming_window: u32,
    /// Transfers that it may send.
    pub outgoing_window: u32,
    /// Highest handle.
    pub handle_max: u32,
    /// Extensions that it has.
    pub offered_capabilities: Option<Value<'a>>,
    /// Extensions that it wants.
    pub desired_capabilities: Option<Value<'a>>,
    /// What it says of the session.
    pub properties: Option<Map<'a>>,
}

/// attach
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attach<'a> {
    /// Name of the link.
    pub name: &'a str,
    /// Number of it.
    pub handle: u32,
    /// Which end the peer is.
    pub role: Role,
    /// How the sender settles.
    pub snd_settle_mode: SenderSettleMode,
    /// How the receiver settles, when it is said.
    pub rcv_settle_mode: Option<ReceiverSettleMode>,
    /// Where from.
    pub source: Option<Source<'a>>,
    /// Where to.
    pub target: Option<AnyTarget<'a>>,
    /// Deliveries that are unsettled yet.
    pub unsettled: Option<Map<'a>>,
    /// There are more of them.
    pub incomplete_unsettled: bool,
    /// Number of the sender's first delivery.
    pub initial_delivery_count: Option<u32>,
    /// Largest message in bytes; 0: no limit.
    pub max_message_size: u64,
    /// Extensions that it has.
    pub offered_capabilities: Option<Value<'a>>,
    /// Extensions that it wants.
    pub desired_capabilities: Option<Value<'a>>,
    /// What it says of the link.
    pub properties: Option<Map<'a>>,
}

/// flow
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow<'a> {
    /// Transfer that is expected next.
    pub next_incoming_id: Option<u32>,
    /// Transfers that the peer takes.
    pub incoming_window: u32,
    /// Number of its next transfer.
    pub next_outgoing_id: u32,
    /// Transfers that it may send.
    pub outgoing_window: u32,
    /// Link that the rest is about.
    pub handle: Option<u32>,
    /// Deliveries so far.
    pub delivery_count: Option<u32>,
    /// Deliveries that may follow.
    pub link_credit: Option<u32>,
    /// Messages that wait.
    pub available: Option<u32>,
    /// Credit that can't be used is to be given up.
    pub drain: bool,
    /// An answer is wanted.
    pub echo: bool,
    /// Extensions.
    pub properties: Option<Map<'a>>,
}

/// transfer
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transfer<'a> {
    /// Link.
    pub handle: u32,
    /// Number of the delivery in its session, in its first transfer.
    pub delivery_id: Option<u32>,
    /// Name of the delivery.
    pub delivery_tag: Option<&'a [u8]>,
    /// Format of the message; 0 is that of AMQP.
    pub message_format: Option<u32>,
    /// Nothing will be said of it any more.
    pub settled: Option<bool>,
    /// More of it follows.
    pub more: bool,
    /// How the receiver is to settle this one.
    pub rcv_settle_mode: Option<ReceiverSettleMode>,
    /// State of the sender.
    pub state: Option<DeliveryState<'a>>,
    /// It goes on with one from before.
    pub resume: bool,
    /// It is given up.
    pub aborted: bool,
    /// The sender can send faster when acknowledgements come in batches.
    pub batchable: bool,
}

/// disposition
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disposition<'a> {
    /// Which end says it.
    pub role: Role,
    /// First delivery.
    pub first: u32,
    /// Last delivery; absent: the first.
    pub last: Option<u32>,
    /// Nothing more will be said of them.
    pub settled: bool,
    /// Their state.
    pub state: Option<DeliveryState<'a>>,
    /// An answer may come in a batch.
    pub batchable: bool,
}

/// detach
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detach<'a> {
    /// Link.
    pub handle: u32,
    /// For good.
    pub closed: bool,
    /// Why.
    pub error: Option<ErrorInfo<'a>>,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum Performative<'a> {
    /// open
    Open(Open<'a>),
    /// begin
    Begin(Begin<'a>),
    /// attach
    Attach(Box<Attach<'a>>),
    /// flow
    Flow(Flow<'a>),
    /// transfer
    Transfer(Transfer<'a>),
    /// disposition
    Disposition(Disposition<'a>),
    /// detach
    Detach(Detach<'a>),
    /// end
    End(Option<ErrorInfo<'a>>),
    /// close
    Close(Option<ErrorInfo<'a>>),
}

impl<'a> Performative<'a> {
    /// Reads the performative at the start of a frame's body. Answers the payload behind it too.
    ///
    /// # Errors
    /// It is none, or one of its fields is wrong.
    pub fn decode(body: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        // Those of messages are looked at while they are read.
        let is_flat = matches!(usual_code(body), Some(code::TRANSFER | code::DISPOSITION));
        if !is_flat {
            check(body)?;
        }
        let (code, value, payload) = read_typed(body)?;
        let fields = |what| match is_flat {
            true => Fields::unchecked(Some(value), what),
            false => Fields::of(Some(value), what),
        };
        let read = match code {
            code::OPEN => Open::decode(fields("open")?).map(Self::Open),
            code::BEGIN => Begin::decode(fields("begin")?).map(Self::Begin),
            code::ATTACH => Attach::decode(fields("attach")?).map(|attach| Self::Attach(Box::new(attach))),
            code::FLOW => Flow::decode(fields("flow")?).map(Self::Flow),
            code::TRANSFER => Transfer::decode(fields("transfer")?).map(Self::Transfer),
            code::DISPOSITION => Disposition::decode(fields("disposition")?).map(Self::Disposition),
            code::DETACH => Detach::decode(fields("detach")?).map(Self::Detach),
            code::END => ErrorInfo::decode(fields("end")?.any()?).map(Self::End),
            code::CLOSE => ErrorInfo::decode(fields("close")?.any()?).map(Self::Close),
            _ => Err(DecodeError::UnknownDescriptor),
        }?;
        Ok((read, payload))
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        let put_error = |out: &mut Vec<u8>, error: &ErrorInfo<'_>| error.put(out);
        match self {
            Self::Open(open) => open.put(out),
            Self::Begin(begin) => begin.put(out),
            Self::Attach(attach) => attach.put(out),
            Self::Flow(flow) => flow.put(out),
            Self::Transfer(transfer) => transfer.put(out),
            Self::Disposition(disposition) => disposition.put(out),
            Self::Detach(detach) => detach.put(out),
            Self::End(error) => ListWriter::described(out, code::END).field(error.as_ref(), put_error).end(),
            Self::Close(error) => {
                ListWriter::described(out, code::CLOSE).field(error.as_ref(), put_error).end();
            }
        }
    }
}

impl<'a> Open<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        let (container_id, hostname) =
            (required(fields.string("container-id")?, "container-id")?, fields.string("hostname")?);
        let max_frame_size = fields.uint("max-frame-size")?.unwrap_or(u32::MAX);
        let channel_max = fields.ushort("channel-max")?.unwrap_or(u16::MAX);
        let idle_time_out = fields.uint("idle-time-out")?;
        // Texts are told in English, whatever locales are named.
        fields.symbols("outgoing-locales")?;
        fields.symbols("incoming-locales")?;
        Ok(Self {
            container_id,
            hostname,
            max_frame_size,
            channel_max,
            idle_time_out,
            offered_capabilities: fields.symbols("offered-capabilities")?,
            desired_capabilities: fields.symbols("desired-capabilities")?,
            properties: fields.map("properties")?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::OPEN)
            .field(Some(self.container_id), put_string)
            .field(self.hostname, put_string)
            .field(Some(self.max_frame_size).filter(|size| *size != u32::MAX), put_uint)
            .field(Some(self.channel_max).filter(|max| *max != u16::MAX), put_ushort)
            .field(self.idle_time_out, put_uint)
            .nulls(2)
            .field(self.offered_capabilities.as_ref(), put_value)
            .field(self.desired_capabilities.as_ref(), put_value)
            .field(self.properties.as_ref(), put_map)
            .end();
    }
}

impl<'a> Begin<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            remote_channel: fields.ushort("remote-channel")?,
            next_outgoing_id: required(fields.uint("next-outgoing-id")?, "next-outgoing-id")?,
            incoming_window: required(fields.uint("incoming-window")?, "incoming-window")?,
            outgoing_window: required(fields.uint("outgoing-window")?, "outgoing-window")?,
            handle_max: fields.uint("handle-max")?.unwrap_or(u32::MAX),
            offered_capabilities: fields.symbols("offered-capabilities")?,
            desired_capabilities: fields.symbols("desired-capabilities")?,
            properties: fields.map("properties")?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::BEGIN)
            .field(self.remote_channel, put_ushort)
            .field(Some(self.next_outgoing_id), put_uint)
            .field(Some(self.incoming_window), put_uint)
            .field(Some(self.outgoing_window), put_uint)
            .field(Some(self.handle_max).filter(|max| *max != u32::MAX), put_uint)
            .field(self.offered_capabilities.as_ref(), put_value)
            .field(self.desired_capabilities.as_ref(), put_value)
            .field(self.properties.as_ref(), put_map)
            .end();
    }
}

impl<'a> Attach<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: required(fields.string("name")?, "name")?,
            handle: required(fields.uint("handle")?, "handle")?,
            role: Role::decode(fields.bool("role")?)?,
            snd_settle_mode: sender_mode(fields.ubyte("snd-settle-mode")?)?,
            rcv_settle_mode: receiver_mode(fields.ubyte("rcv-settle-mode")?)?,
            source: Source::decode(fields.any()?)?,
            target: AnyTarget::decode(fields.any()?)?,
            unsettled: fields.map("unsettled")?,
            incomplete_unsettled: fields.bool("incomplete-unsettled")?.unwrap_or_default(),
            initial_delivery_count: fields.uint("initial-delivery-count")?,
            max_message_size: fields.ulong("max-message-size")?.unwrap_or_default(),
            offered_capabilities: fields.symbols("offered-capabilities")?,
            desired_capabilities: fields.symbols("desired-capabilities")?,
            properties: fields.map("properties")?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let sender_mode = match self.snd_settle_mode {
            SenderSettleMode::Unsettled => Some(0),
            SenderSettleMode::Settled => Some(1),
            SenderSettleMode::Mixed => None,
        };
        ListWriter::described(out, code::ATTACH)
            .field(Some(self.name), put_string)
            .field(Some(self.handle), put_uint)
            .field(Some(self.role.is_receiver()), put_bool)
            .field(sender_mode, put_ubyte)
            .field(self.rcv_settle_mode.map(receiver_mode_number), put_ubyte)
            .field(self.source.as_ref(), |out, source| source.put(out))
            .field(self.target.as_ref(), |out, target| target.put(out))
            .field(self.unsettled.as_ref(), put_map)
            .field(Some(self.incomplete_unsettled).filter(|truth| *truth), put_bool)
            .field(self.initial_delivery_count, put_uint)
            .field(Some(self.max_message_size).filter(|size| *size > 0), put_ulong)
            .field(self.offered_capabilities.as_ref(), put_value)
            .field(self.desired_capabilities.as_ref(), put_value)
            .field(self.properties.as_ref(), put_map)
            .end();
    }
}

impl<'a> Flow<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            next_incoming_id: fields.uint("next-incoming-id")?,
            incoming_window: required(fields.uint("incoming-window")?, "incoming-window")?,
            next_outgoing_id: required(fields.uint("next-outgoing-id")?, "next-outgoing-id")?,
            outgoing_window: required(fields.uint("outgoing-window")?, "outgoing-window")?,
            handle: fields.uint("handle")?,
            delivery_count: fields.uint("delivery-count")?,
            link_credit: fields.uint("link-credit")?,
            available: fields.uint("available")?,
            drain: fields.bool("drain")?.unwrap_or_default(),
            echo: fields.bool("echo")?.unwrap_or_default(),
            properties: fields.map("properties")?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::FLOW)
            .field(self.next_incoming_id, put_uint)
            .field(Some(self.incoming_window), put_uint)
            .field(Some(self.next_outgoing_id), put_uint)
            .field(Some(self.outgoing_window), put_uint)
            .field(self.handle, put_uint)
            .field(self.delivery_count, put_uint)
            .field(self.link_credit, put_uint)
            .field(self.available, put_uint)
            .field(Some(self.drain).filter(|truth| *truth), put_bool)
            .field(Some(self.echo).filter(|truth| *truth), put_bool)
            .field(self.properties.as_ref(), put_map)
            .end();
    }
}

impl<'a> Transfer<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        let transfer = Self {
            handle: required(fields.uint("handle")?, "handle")?,
            delivery_id: fields.uint("delivery-id")?,
            delivery_tag: fields.binary("delivery-tag")?,
            message_format: fields.uint("message-format")?,
            settled: fields.bool("settled")?,
            more: fields.bool("more")?.unwrap_or_default(),
            rcv_settle_mode: receiver_mode(fields.ubyte("rcv-settle-mode")?)?,
            state: DeliveryState::decode(fields.any()?)?,
            resume: fields.bool("resume")?.unwrap_or_default(),
            aborted: fields.bool("aborted")?.unwrap_or_default(),
            batchable: fields.bool("batchable")?.unwrap_or_default(),
        };
        fields.end()?;
        Ok(transfer)
    }

    fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::TRANSFER)
            .field(Some(self.handle), put_uint)
            .field(self.delivery_id, put_uint)
            .field(self.delivery_tag, put_binary)
            .field(self.message_format, put_uint)
            .field(self.settled, put_bool)
            .field(Some(self.more).filter(|truth| *truth), put_bool)
            .field(self.rcv_settle_mode.map(receiver_mode_number), put_ubyte)
            .field(self.state.as_ref().filter(|state| **state != DeliveryState::Other), |out, state| {
                state.put(out)
            })
            .field(Some(self.resume).filter(|truth| *truth), put_bool)
            .field(Some(self.aborted).filter(|truth| *truth), put_bool)
            .field(Some(self.batchable).filter(|truth| *truth), put_bool)
            .end();
    }
}

impl<'a> Disposition<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        let disposition = Self {
            role: Role::decode(fields.bool("role")?)?,
            first: required(fields.uint("first")?, "first")?,
            last: fields.uint("last")?,
            settled: fields.bool("settled")?.unwrap_or_default(),
            state: DeliveryState::decode(fields.any()?)?,
            batchable: fields.bool("batchable")?.unwrap_or_default(),
        };
        fields.end()?;
        Ok(disposition)
    }

    fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::DISPOSITION)
            .field(Some(self.role.is_receiver()), put_bool)
            .field(Some(self.first), put_uint)
            .field(self.last, put_uint)
            .field(Some(self.settled).filter(|truth| *truth), put_bool)
            .field(self.state.as_ref().filter(|state| **state != DeliveryState::Other), |out, state| {
                state.put(out)
            })
            .field(Some(self.batchable).filter(|truth| *truth), put_bool)
            .end();
    }
}

impl<'a> Detach<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            handle: required(fields.uint("handle")?, "handle")?,
            closed: fields.bool("closed")?.unwrap_or_default(),
            error: ErrorInfo::decode(fields.any()?)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::DETACH)
            .field(Some(self.handle), put_uint)
            .field(Some(self.closed).filter(|truth| *truth), put_bool)
            .field(self.error.as_ref(), |out, error| error.put(out))
            .end();
    }
}
