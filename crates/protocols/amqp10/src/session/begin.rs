//! begin and end (AMQP 1.0 2.5).

use ternmq_broker::Broker;

use super::{
    Amqp10Session,
    line::{HANDLE_MAX, Line, WINDOW},
};
use crate::{
    codec::performative::{Begin, Performative},
    error::{Fault, condition},
};

impl Amqp10Session {
    pub(super) fn on_begin(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        begin: &Begin<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if channel > self.settings.channel_max {
            let text = format!("channel {channel} is past the highest, {}", self.settings.channel_max);
            return Err(Fault::connection(condition::RESOURCE_LIMIT_EXCEEDED, text));
        }
        // The broker begins no session of its own accord, so nobody answers one.
        if begin.remote_channel.is_some() || self.line_mut(channel).is_some() {
            let text = format!("channel {channel} has a session already, or none that is to be answered");
            return Err(Fault::connection(condition::NOT_ALLOWED, text));
        }
        let connection = self.connection.ok_or_else(Fault::gone)?;
        let core = broker.open_session(connection, channel.into()).map_err(|error| {
            let fault = Fault::of(&error, &**broker.dialect());
            Fault::connection(fault.condition, fault.text)
        })?;
        let mut line = Line::new(channel, core, begin.next_outgoing_id, begin.incoming_window);
        line.put(
            &Performative::Begin(Begin {
                remote_channel: Some(channel),
                next_outgoing_id: 0,
                incoming_window: WINDOW,
                outgoing_window: u32::MAX >> 1,
                handle_max: HANDLE_MAX,
                offered_capabilities: None,
                desired_capabilities: None,
                properties: None,
            }),
            out,
        );
        let place = usize::from(channel);
        if self.lines.len() <= place {
            self.lines.resize_with(place + 1, || None);
        }
        if let Some(slot) = self.lines.get_mut(place) {
            *slot = Some(Box::new(line));
        }
        Ok(())
    }

    /// The peer ends a session, or agrees to the end of one.
    pub(super) fn on_end(&mut self, broker: &mut Broker, channel: u16, out: &mut Vec<u8>) {
        let Some(mut line) = self.lines.get_mut(usize::from(channel)).and_then(Option::take) else { return };
        if !line.is_ending {
            broker.close_session(line.core);
            line.put(&Performative::End(None), out);
        }
        self.abandon_session(broker, channel);
        self.draining.retain(|(known, _)| *known != channel);
    }

    /// Ends a session with an error. What comes of it is not heard until the peer has ended it too.
    pub(super) fn end_session(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        fault: &Fault,
        out: &mut Vec<u8>,
    ) {
        let Some(line) = self.line_mut(channel) else { return };
        if line.is_ending {
            return;
        }
        broker.close_session(line.core);
        line.put(&Performative::End(Some(fault.info())), out);
        line.is_ending = true;
        line.forget();
        self.abandon_session(broker, channel);
        self.draining.retain(|(known, _)| *known != channel);
    }
}
