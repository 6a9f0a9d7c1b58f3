//! RebootBroker.

use super::brokers::running_in;
use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::records::{Broker, BrokerState};

pub(super) fn reboot(call: &Call<'_>) -> Result<Output, Failure> {
    call.change(|change| {
        let mut broker = running_in(call, change)?;
        begin(&mut broker);
        change.put(&broker)?;
        call.touch(&broker.id);
        Ok(Output::new())
    })
}

/// Has the workflow start the node anew, with everything that waits.
pub(crate) fn begin(broker: &mut Broker) {
    broker.state = BrokerState::Rebooting;
    broker.incarnation += 1;
}
