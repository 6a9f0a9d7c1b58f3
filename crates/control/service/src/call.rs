//! One call on its way: who asks what, and the one place where a change and its audit record become durable together.

use std::cell::{Cell, RefCell};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use ternmq_api::{Response, Routed, codec};

use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::failure::{Failure, internal};
use crate::records::Answered;
use crate::service::Service;
use crate::store::{Change, StoreError};

/// A call whose caller is known and may.
pub(crate) struct Call<'a> {
    pub service: &'a Service,
    pub routed: &'a Routed,
    pub region: &'a str,
    pub caller: &'a Caller,
    pub input: &'a Map<String, Value>,
    pub event: &'a Event,
    /// Hash of the signature, and until when it holds.
    pub signature: &'a Signature,
    pub now_ms: u64,
    /// Whether the change has left the record.
    pub is_recorded: Cell<bool>,
    /// Brokers for the reconciler to look at.
    pub touched: RefCell<Vec<String>>,
}

/// The signature of a call, as far as a repetition is known by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// In hex.
    pub hash: String,
    /// Milliseconds since 1970.
    pub until_ms: u64,
}

/// What an operation gives.
pub(crate) type Output = Map<String, Value>;

impl Call<'_> {
    /// The input as its type.
    pub(crate) fn input<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // The input was checked against the model from which the type is made.
        serde_json::from_value(Value::Object(self.input.clone())).map_err(|error| {
            tracing::error!(
                operation = self.routed.operation.name,
                "an input does not fit its type: {error}"
            );
            Failure::Refused(internal())
        })
    }

    /// Runs a change: what `work` does to the store, the audit record and the answer for a repetition are durable
    /// together, or nothing is.
    pub(crate) fn change(
        &self,
        work: impl FnOnce(&Change) -> Result<Output, Failure>,
    ) -> Result<Output, Failure> {
        let change = self.service.store.change()?;
        let output = work(&change)?;
        audit::append(&change, &self.event.succeeded(&output))?;
        let response = codec::write(self.routed, output.clone(), &self.event.request_id);
        if let Some(answered) = answered(self.signature, &response) {
            change.put(&answered)?;
        }
        change.commit()?;
        self.is_recorded.set(true);
        for broker in self.touched.borrow().iter() {
            self.service.work.look_at(self.region, broker);
        }
        Ok(output)
    }

    /// Has the reconciler look at a broker once the change is durable.
    pub(crate) fn touch(&self, broker: &str) {
        self.touched.borrow_mut().push(broker.to_owned());
    }

    /// Reads with what is committed now.
    pub(crate) fn view(&self) -> Result<crate::store::View, StoreError> {
        self.service.store.view()
    }
}

/// What is kept so that the same signature gets the same answer (S14).
pub(crate) fn answered(signature: &Signature, response: &Response) -> Option<Answered> {
    Some(Answered {
        signature: signature.hash.clone(),
        until_ms: signature.until_ms,
        status: response.status,
        headers: response.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        body: String::from_utf8(response.body.clone()).ok()?,
    })
}

/// An output type as an output.
pub(crate) fn output(value: &impl Serialize) -> Result<Output, Failure> {
    match serde_json::to_value(value) {
        Ok(Value::Object(output)) => Ok(output),
        _ => Err(Failure::Refused(internal())),
    }
}
