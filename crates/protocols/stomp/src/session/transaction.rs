//! BEGIN, COMMIT and ABORT. Each transaction of a connection is a session of its own in the core, where its commands are
//! staged.

use ternmq_broker::{Broker, Receipt, SessionId};

use super::{MAX_DEFERRED_BYTES, StompSession, send::queue_full, subscribe::AckMode};
use crate::{
    codec::{Headers, shown},
    error::Fault,
    format::name,
};

/// Label of the sessions of transactions: nothing is delivered to them.
const LABEL: u32 = u32::MAX;

/// One transaction.
pub(super) struct Transaction {
    name: Box<str>,
    pub(super) session: SessionId,
    /// Receipts of its frames: they come with the commit.
    receipts: Vec<String>,
    receipt_bytes: usize,
    /// Deliveries whose settlement is staged, with the places of their subscriptions.
    pub(super) taken: Vec<(usize, u64)>,
}

impl Transaction {
    /// Notes the receipt that a frame asked for.
    pub(super) fn keep_receipt(&mut self, receipt: String) -> Result<(), Fault> {
        self.receipt_bytes += receipt.len();
        if self.receipt_bytes > MAX_DEFERRED_BYTES {
            let text = format!("The receipts of a transaction are longer than {MAX_DEFERRED_BYTES} bytes\n");
            return Err(Fault::new("Transaction too large", text));
        }
        self.receipts.push(receipt);
        Ok(())
    }
}

fn transaction_name<'a>(headers: Headers<'a>, command: &str) -> Result<std::borrow::Cow<'a, str>, Fault> {
    headers.get(name::TRANSACTION).ok_or_else(|| {
        let text = format!("\"{command}\" must include a 'transaction' header\n");
        Fault::new("Missing transaction", text)
    })
}

impl StompSession {
    /// A transaction that was begun.
    pub(super) fn transaction(&mut self, name: &str) -> Result<&mut Transaction, Fault> {
        self.transactions.iter_mut().find(|known| &*known.name == name).ok_or_else(|| {
            let text = format!("Invalid transaction identifier: \"{}\"\n", shown(name));
            Fault::new("Bad transaction", text)
        })
    }

    fn take_transaction(&mut self, name: &str) -> Result<Transaction, Fault> {
        self.transaction(name)?;
        let place = self.transactions.iter().position(|known| &*known.name == name);
        place.map(|place| self.transactions.swap_remove(place)).ok_or_else(super::close::gone)
    }

    pub(super) fn on_begin(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let name = transaction_name(headers, "BEGIN")?;
        if self.transaction(&name).is_ok() {
            let text = format!("The transaction \"{}\" has begun already\n", shown(&name));
            return Err(Fault::new("Bad transaction", text));
        }
        let max = self.settings.max_transactions;
        if self.transactions.len() >= max {
            let text = format!("Too many transactions at once (limit {max})\n");
            return Err(Fault::new("Transaction limit exceeded", text));
        }
        let connection = self.connection.ok_or_else(super::close::gone)?;
        let dialect = broker.dialect().clone();
        let fault = |error| Fault::of(&error, &*dialect);
        let session = broker.open_session(connection, LABEL).map_err(fault)?;
        broker.tx_select(session).map_err(fault)?;
        self.transactions.push(Transaction {
            name: (*name).into(),
            session,
            receipts: Vec::new(),
            receipt_bytes: 0,
            taken: Vec::new(),
        });
        self.promise(broker, headers.get(name::RECEIPT).as_deref(), Receipt::NONE, out);
        Ok(())
    }

    pub(super) fn on_commit(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let name = transaction_name(headers, "COMMIT")?;
        let transaction = self.take_transaction(&name)?;
        let done =
            broker.tx_commit(transaction.session).map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        broker.close_session(transaction.session);
        if done.value.is_refused {
            return Err(queue_full());
        }
        for receipt in &transaction.receipts {
            self.promise(broker, Some(receipt), done.receipt, out);
        }
        self.promise(broker, headers.get(name::RECEIPT).as_deref(), done.receipt, out);
        Ok(())
    }

    pub(super) fn on_abort(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let name = transaction_name(headers, "ABORT")?;
        let transaction = self.take_transaction(&name)?;
        // What was staged is dropped, its deliveries are unsettled again.
        broker.close_session(transaction.session);
        for (slot, number) in transaction.taken {
            let place = self.subscriptions.get_mut(slot).and_then(Option::as_deref_mut);
            if let Some(subscription) = place.filter(|known| known.mode == AckMode::Client) {
                let at = subscription.unsettled.partition_point(|known| *known < number);
                subscription.unsettled.insert(at, number);
            }
        }
        self.promise(broker, headers.get(name::RECEIPT).as_deref(), Receipt::NONE, out);
        Ok(())
    }
}
