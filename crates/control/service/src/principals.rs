//! Who callers are and what they may.

use ternmq_api::{Refusal, Routed};
use ternmq_identity::Secret;
use ternmq_identity::sigv4::{self, AuthFault, Claimed, KnownKey, Presented, Verified};

use crate::audit::Event;
use crate::caller::{Caller, CallerKind};
use crate::failure::Failure;
use crate::front_door::Input;
use crate::service::Service;

impl Service {
    /// Finds out who signed a request.
    pub(crate) fn verify_caller(
        &self,
        presented: &Presented,
        parts: &sigv4::Request<'_>,
        rules: &sigv4::Rules<'_>,
    ) -> Result<(Verified, Caller), AuthFault> {
        let key = &self.settings.administrator;
        let secret = Secret::from(key.secret_access_key.reveal());
        let is_known = presented.access_key_id() == key.access_key_id;
        let claimed = if is_known {
            Claimed::Known(KnownKey { secret: &secret, session: None })
        } else {
            Claimed::Unknown
        };
        let verified = presented.verify(parts, claimed, rules)?;
        let account = self.settings.account.clone();
        let caller = Caller {
            kind: CallerKind::User,
            principal_id: "AIDATERNMQADMIN00000".into(),
            arn: format!("arn:aws:iam::{account}:user/admin"),
            account,
            access_key_id: key.access_key_id.clone(),
            name: "admin".into(),
        };
        Ok((verified, caller))
    }

    /// Whether a caller may do what it asks for.
    pub(crate) fn authorise(
        &self,
        _caller: &Caller,
        _routed: &Routed,
        _region: &str,
        _input: &Input,
        _event: &Event,
    ) -> Result<(), Failure> {
        let _ = Refusal::new("AccessDeniedException", 403, "");
        Ok(())
    }
}
