//! Policies that belong to one user, group or role.

use ternmq_identity::directory::EntityKind;

use super::{done, name_of, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;

pub(super) fn put(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let (name, policy) = (call.need(name_of(kind))?, call.need("PolicyName")?);
    let document = call.need("PolicyDocument")?;
    call.change_directory(|directory, _, _| {
        directory.put_inline_policy(kind, name, policy, document).map(done)
    })
}

pub(super) fn get(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let (name, policy) = (call.need(name_of(kind))?, call.need("PolicyName")?);
    call.read_directory(|directory| {
        let document = directory.get_inline_policy(kind, name, policy)?;
        let mut output = shapes::one(name_of(kind), name.into());
        output.insert("PolicyName".into(), policy.into());
        output.insert("PolicyDocument".into(), shapes::document(document.text()).into());
        Ok(output)
    })
}

pub(super) fn list(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let name = call.need(name_of(kind))?;
    call.read_directory(|directory| {
        let names = directory.list_inline_policies(kind, name, &call.page())?;
        Ok(shapes::listed("PolicyNames", names, Into::into))
    })
}

pub(super) fn delete(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let (name, policy) = (call.need(name_of(kind))?, call.need("PolicyName")?);
    call.change_directory(|directory, _, _| directory.delete_inline_policy(kind, name, policy).map(done))
}
