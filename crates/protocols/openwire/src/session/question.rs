//! Messages that ask for figures: they are answered instead of being sent.

use std::sync::Arc;

use ternmq_broker::{Broker, Place, Target, Timing};
use ternmq_message::{Map, MessageMeta, Value as Given};

use super::{
    OpenWireSession,
    send::{build, publish},
};
use crate::{
    codec::{Field, Kind, Object, Primitive, Primitives, Stored, Value},
    error::Fault,
    format::{ENCODING, take_apart},
    translate::{places, places_of},
};

impl OpenWireSession {
    /// Answers a message if it is a question, to where it wants its answers; one that says no such place has none.
    pub(super) fn answer_question(&mut self, broker: &mut Broker, message: &Stored<'_>) -> Result<(), Fault> {
        let Some(destination) = message.object(Field::Destination) else { return Ok(()) };
        let dialect = broker.dialect().clone();
        let known = places(&*dialect)?;
        let asked = places_of(&destination)?;
        let [place] = asked.as_slice() else { return Ok(()) };
        let Some(question) = known.question_of(place) else { return Ok(()) };
        let session = self.session.ok_or_else(Fault::gone)?;
        let fault = |error| Fault::of(&error, &*dialect);
        let node = if matches!(place, Place::Topic(_)) { dialect.topic_node() } else { "" };
        broker.check_publish(session, node, place.name(), None).map_err(fault)?;
        let Some(reply_to) = message.object(Field::ReplyTo) else { return Ok(()) };
        let reply_to = Arc::new(reply_to);
        let figures = broker.figures(session, &question).map_err(fault)?;
        for figures in &figures {
            for place in places_of(&reply_to)? {
                let target = known.target_of(&place)?;
                self.prepare(broker, &target)?;
                self.send_answer(broker, &target, &reply_to, message, &known.answer_of(figures))?;
            }
        }
        Ok(())
    }

    fn send_answer(
        &mut self,
        broker: &mut Broker,
        target: &Target,
        reply_to: &Arc<Object<'_>>,
        question: &Stored<'_>,
        figures: &Map,
    ) -> Result<(), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let mut content = Primitives::default();
        for (name, value) in figures {
            let value = match value {
                Given::I64(number) => Primitive::Long(*number),
                other => Primitive::Text(other.as_str().unwrap_or_default().to_owned().into()),
            };
            content = content.with(name.to_string(), value);
        }
        let mut answer = Object::new(Kind::MapMessage)
            .with_object(Field::Destination, Arc::new(Object::clone(reply_to).into_owned()))
            .with(Field::Content, Value::Bytes(content.to_bytes().into()));
        if let Some(id) = question.text(Field::CorrelationId) {
            answer = answer.with_text(Field::CorrelationId, id.into_owned());
        }
        let (head, body) = take_apart(answer);
        let meta = MessageMeta { encoding: ENCODING, ..MessageMeta::default() };
        let message = build(broker, target, &head, &body, meta)?;
        // Nobody has to hear it.
        let _published = publish(broker, session, message, &Timing::Now, None)?;
        Ok(())
    }
}
