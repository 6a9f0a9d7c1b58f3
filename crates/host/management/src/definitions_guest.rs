//! The user that RabbitMQ makes for itself, with the password that everybody knows. There `loopback_users` keeps it to
//! its own machine; nothing does here, so that definitions which bring it open the broker to whoever reaches it.

use ternmq_access::Secret;

use crate::answer::Refusal;
use crate::seam::Management;
use crate::users::NewPassword;

/// Name of the user, and its password.
const GUEST: &str = "guest";

/// What to tell whoever imports it.
pub(crate) const OPEN_GUEST: &str = "user 'guest' of the definitions has the password 'guest', which everybody \
    knows; RabbitMQ lets it in from its own machine only, this broker from everywhere: give it another password or \
    delete it";

/// Whether this is that user, with what was looked at. A hash is tried where logins are, away from the core's thread.
pub(crate) async fn is_open_guest(
    management: &Management,
    name: &str,
    password: NewPassword,
) -> Result<(bool, NewPassword), Refusal> {
    if name != GUEST {
        return Ok((false, password));
    }
    let look = move || (is_open_guest_now(GUEST, &password), password);
    Ok(management.compute(look).await?)
}

/// As [`is_open_guest`], on this thread.
pub(crate) fn is_open_guest_now(name: &str, password: &NewPassword) -> bool {
    if name != GUEST {
        return false;
    }
    match password {
        NewPassword::None => false,
        NewPassword::Plain(password) => password.is_same(GUEST.as_bytes()),
        // Without the memory to find out, a login would fail as well.
        NewPassword::Hash(hash, _) => hash.is_match(&Secret::from(GUEST)).unwrap_or(false),
    }
}
