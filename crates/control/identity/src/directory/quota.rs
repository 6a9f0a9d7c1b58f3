//! IAM's quotas, as they are before anybody asks for more.

pub(super) const USERS: usize = 5_000;
pub(super) const GROUPS: usize = 300;
pub(super) const ROLES: usize = 1_000;
pub(super) const POLICIES: usize = 1_500;
pub(super) const GROUPS_PER_USER: usize = 10;
pub(super) const KEYS_PER_USER: usize = 2;
pub(super) const ATTACHED_PER_ENTITY: usize = 10;
pub(super) const VERSIONS_PER_POLICY: usize = 5;
pub(super) const TAGS: usize = 50;
/// Policies that may come along with AssumeRole by ARN.
pub(super) const SESSION_POLICY_ARNS: usize = 10;
