//! query: a form in, in which a member of a member is `Outer.Inner` and items of a list are `List.member.1`.

use serde_json::{Map, Value};

use super::form_members::{Form, Spelling, members_of};
use crate::{Refusal, Routed, Shape, check};

const INVALID: &str = "ValidationError";

pub(super) fn read(routed: &Routed, form: &Form) -> Result<Map<String, Value>, Refusal> {
    let members = routed.operation.input.map_or(&[][..], Shape::members);
    let given = members_of(Spelling::Query, members, form);
    let checked = given.and_then(|given| check::input(members, &given));
    checked.map_err(|refusal| Refusal { code: INVALID, attribute: "", ..refusal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, codec, iam, sts};

    fn check(model: &'static crate::Model, body: &str, expect: &str) {
        let form = codec::decode_form(body).unwrap();
        let answer = Routed::find(model, &Request::default(), &form).and_then(|routed| read(&routed, &form));
        let answer = match answer {
            Ok(input) => Value::Object(input).to_string(),
            Err(refusal) => format!("{} {}: {}", refusal.status, refusal.code, refusal.message),
        };
        assert_eq!(answer, expect, "{body}");
    }

    #[test]
    fn forms() {
        check(
            &iam::MODEL,
            "Action=CreateUser&Version=2010-05-08&UserName=ann&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.2.Key=c&Tags.member.2.Value=",
            r#"{"Tags":[{"Key":"a","Value":"b"},{"Key":"c","Value":""}],"UserName":"ann"}"#,
        );
        check(&iam::MODEL, "Action=CreateUser", "400 ValidationError: Attribute [UserName] is required.");
        check(
            &iam::MODEL,
            "Action=ListUsers&MaxItems=0",
            "400 ValidationError: Attribute [MaxItems] must be a whole number from 1 to 1000.",
        );
        check(&iam::MODEL, "Action=Nothing", "400 InvalidAction: There is no such action in IAM.");
        check(&sts::MODEL, "Action=GetCallerIdentity&Version=2011-06-15", "{}");
    }
}
