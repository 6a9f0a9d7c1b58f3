//! What subscriptions still look for in the retained store. It belongs to the client, not to its connection: whoever comes
//! back gets what it had not been sent yet. A restart of the node forgets it.

use std::sync::Arc;

use super::ClientId;
use crate::{
    broker::Broker,
    effect::SessionId,
    retained::{RetainedPage, RetainedRead},
};

/// A look of one subscription.
pub(crate) struct ClientRead {
    read: RetainedRead,
    label: u64,
}

/// What a step of a client's looks found.
#[derive(Debug)]
pub struct ClientPage {
    /// Binding key of the subscription.
    pub key: Arc<str>,
    /// As given to [`Broker::look_for_retained`].
    pub label: u64,
    /// The messages.
    pub page: RetainedPage,
}

impl Broker {
    /// Has the client of a session look for what is retained under the key of a subscription, as it is now, instead of
    /// an older look for the same key. `label` is the adapter's. [`Broker::next_retained`] finds it.
    pub fn look_for_retained(&mut self, session: SessionId, key: &str, label: u64) {
        let read = self.begin_retained_read(key);
        let Some(client) = self.client_of(session).ok().and_then(|(id, _)| self.clients.get_mut(id)) else {
            return;
        };
        let reads = &mut client.own().reads;
        reads.retain(|known| known.read.key() != key);
        reads.push_back(ClientRead { read, label });
    }

    /// The next step of what the client of a session looks for; `None` when there is nothing left. At most `room` of what
    /// is retained are looked at (I11). A look that is not permitted any more ends without a message (S5).
    pub fn next_retained(&mut self, session: SessionId, room: usize) -> Option<ClientPage> {
        loop {
            let (id, _) = self.client_of(session).ok()?;
            let ClientRead { mut read, label } = self.clients.get_mut(id)?.own.as_mut()?.reads.pop_front()?;
            let Ok(page) = self.read_retained(session, &mut read, room) else { continue };
            let key = read.shared_key();
            if !page.is_last
                && let Some(client) = self.clients.get_mut(id)
            {
                client.own().reads.push_front(ClientRead { read, label });
            }
            return Some(ClientPage { key, label, page });
        }
    }

    /// Whether the client of a session still looks for something.
    #[must_use]
    pub fn has_retained_reads(&self, session: SessionId) -> bool {
        let client = self.client_of(session).ok().and_then(|(id, _)| self.clients.get(id));
        client.and_then(|client| client.own.as_ref()).is_some_and(|own| !own.reads.is_empty())
    }

    /// A subscription is no more: it looks for nothing.
    pub(super) fn end_reads(&mut self, client: ClientId, key: &str) {
        if let Some(own) = self.clients.get_mut(client).and_then(|client| client.own.as_mut()) {
            own.reads.retain(|known| known.read.key() != key);
        }
    }
}
