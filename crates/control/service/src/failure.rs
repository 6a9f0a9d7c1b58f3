//! How a call ends when it does not succeed.

use ternmq_api::Refusal;
use ternmq_fleet::FleetError;

use crate::store::StoreError;

/// Why a call did not succeed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The caller's fault; it is told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Ours, or the machine's: logged, and the caller is told only that.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The same, of the nodes.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

impl Failure {
    /// What the caller is told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::Store(_) | Self::Fleet(_) => internal(),
        }
    }
}

/// The answer to what is our fault.
pub(crate) fn internal() -> Refusal {
    let text = "The service failed; its log has the reason. Nothing was changed. Try again.";
    Refusal::new("InternalServerErrorException", 500, text)
}
