//! What is no policy, and what is said of it.

use ternmq_identity::policy::{
    MANAGED_MAX_CHARS, Policy, RAW_MAX_BYTES, TRUST_MAX_CHARS, TrustPolicy, size_chars,
};

fn fault(text: &str) -> (u16, &'static str, String) {
    let fault = Policy::parse(text, MANAGED_MAX_CHARS).expect_err(text);
    (fault.status(), fault.code(), fault.to_string())
}

fn check(text: &str, expect: &str) {
    assert_eq!(fault(text), (400, "MalformedPolicyDocument", expect.to_owned()), "{text}");
}

fn check_statement(text: &str, expect: &str) {
    check(&format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#), expect);
}

#[test]
fn documents() {
    check("", "Syntax errors in policy: EOF while parsing a value at line 1 column 0");
    check("{", "Syntax errors in policy: EOF while parsing an object at line 1 column 1");
    check("{} x", "Syntax errors in policy: trailing characters at line 1 column 4");
    check("[]", "Syntax errors in policy: an object is wanted (at the document)");
    check("{}", "Missing required field Statement (at the document)");
    check(r#"{"Statement":[]}"#, "Policy document must contain at least one statement. (at Statement)");
    check(r#"{"Statement":1}"#, "Syntax errors in policy: an object is wanted (at Statement[0])");
    check(r#"{"statement":[]}"#, "Unknown field 'statement' (at the document)");
    check(r#"{"Id":1,"Statement":{}}"#, "Syntax errors in policy: a string is wanted (at Id)");
    let version = "Policy document must be version 2012-10-17 or 2008-10-17. (at Version)";
    check(r#"{"Version":"2012-10-18","Statement":{}}"#, version);
    check(r#"{"Version":"","Statement":{}}"#, version);
    check(r#"{"Version":2012,"Statement":{}}"#, "Syntax errors in policy: a string is wanted (at Version)");
    check(
        r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":{}}"#,
        "Syntax errors in policy: the key 'Version' is there twice at line 1 column 33",
    );
}

#[test]
fn statements() {
    check_statement("{}", "Missing required field Effect (at Statement[0])");
    check_statement(r#"{"Effect":"allow"}"#, "Invalid effect: 'allow' (at Statement[0].Effect)");
    check_statement(r#"{"Effect":"Allow"}"#, "Missing required field Action (at Statement[0])");
    check_statement(
        r#"{"Effect":"Allow","Action":"mq:*"}"#,
        "Missing required field Resource (at Statement[0])",
    );
    check_statement(
        r#"{"Effect":"Allow","Action":"mq:*","NotAction":"mq:*","Resource":"*"}"#,
        "Action and NotAction cannot stand in one statement (at Statement[0])",
    );
    check_statement(
        r#"{"Effect":"Allow","Action":"mq:*","NotResource":"*","Resource":"*"}"#,
        "Resource and NotResource cannot stand in one statement (at Statement[0])",
    );
    for element in ["Principal", "NotPrincipal"] {
        check_statement(
            &format!(r#"{{"Effect":"Allow","{element}":"*","Action":"mq:*","Resource":"*"}}"#),
            "Policy document should not specify a principal. (at Statement[0])",
        );
    }
    check_statement(
        r#"{"Effect":"Allow","Actions":"mq:*","Resource":"*"}"#,
        "Unknown field 'Actions' (at Statement[0])",
    );
    check_statement(
        r#"{"Sid":"a b","Effect":"Allow","Action":"mq:*","Resource":"*"}"#,
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
         [0-9A-Za-z]* (at Statement[0].Sid)",
    );
    let one = r#"{"Sid":"a","Effect":"Allow","Action":"mq:*","Resource":"*"}"#;
    check_statement(
        &format!("{one},{one}"),
        "Statement IDs (SID) in a single policy must be unique. (at Statement)",
    );
    let nameless = one.replace(r#""Sid":"a""#, r#""Sid":"""#);
    Policy::parse(&format!(r#"{{"Statement":[{nameless},{nameless}]}}"#), MANAGED_MAX_CHARS).unwrap();
}

#[test]
fn actions_and_resources() {
    let action = |action: &str, expect: &str| {
        check_statement(&format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"}}"#), expect);
    };
    action("[]", "Policy statement must contain actions. (at Statement[0].Action)");
    action("{}", "Syntax errors in policy: a string is wanted (at Statement[0].Action)");
    action(r#"[["mq:*"]]"#, "Syntax errors in policy: a string is wanted (at Statement[0].Action)");
    for text in ["", "CreateBroker", ":CreateBroker", "mq:", "**"] {
        action(
            &format!("{text:?}"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (at Statement[0].Action)",
        );
    }
    let resource = |resource: &str, expect: &str| {
        check_statement(&format!(r#"{{"Effect":"Allow","Action":"mq:*","Resource":{resource}}}"#), expect);
    };
    resource("[]", "Policy statement must contain resources. (at Statement[0].Resource)");
    resource("null", "Syntax errors in policy: a string is wanted (at Statement[0].Resource)");
    for text in [
        "",
        "b-1",
        "a*",
        "arn",
        "arn:aws",
        "arn:aws:mq",
        "arn:aws:mq:r:1:",
        "arn:aws:mq:r:1",
        "ARN:aws:mq:r:1:b",
        "arn::mq:r:1:b",
        "arn:aws::r:1:b",
    ] {
        let expect = format!("Resource '{text}' must be in ARN format or \"*\". (at Statement[0].Resource)");
        resource(&format!("{text:?}"), &expect);
    }
    resource(
        r#""arn:aws:*:r:1:b""#,
        "Resource vendor must be fully qualified and cannot contain regexes. (at Statement[0].Resource)",
    );
    resource(
        r#""arn:aws:mq:${aws:region}:1:b""#,
        "A policy variable in a resource must come after the fifth colon of the ARN (at Statement[0].Resource)",
    );
    resource(
        r#""arn:aws:mq:r:1:${aws:username""#,
        "Invalid policy variable: write ${key} or ${key, 'default'} (at Statement[0].Resource)",
    );
}

#[test]
fn conditions() {
    let condition = |condition: &str, expect: &str| {
        check_statement(
            &format!(r#"{{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{condition}}}"#),
            expect,
        );
    };
    condition("[]", "Syntax errors in policy: an object is wanted (at Statement[0].Condition)");
    condition(
        r#"{"StringEquals":1}"#,
        "Syntax errors in policy: an object is wanted (at Statement[0].Condition.StringEquals)",
    );
    for operator in [
        "stringEquals",
        "StringEqual",
        "",
        "IfExists",
        "ForAllValues:",
        "ForSomeValues:StringEquals",
        "ForAllValues:ForAnyValue:StringEquals",
        "StringEqualsIfExistsIfExists",
        "NullIfExists",
        "ForAllValues:Null",
    ] {
        condition(
            &format!(r#"{{"{operator}":{{"aws:a":"b"}}}}"#),
            &format!("Invalid Condition type : '{operator}' (at Statement[0].Condition)"),
        );
    }
    condition(
        r#"{"StringEquals":{"username":"a"}}"#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. \
         (at Statement[0].Condition.StringEquals.username)",
    );
    condition(
        r#"{"StringEquals":{"aws:a":[]}}"#,
        "A list of values must not be empty. (at Statement[0].Condition.StringEquals.aws:a)",
    );
    condition(
        r#"{"StringEquals":{"aws:a":[["b"]]}}"#,
        "Syntax errors in policy: a string, a number, a boolean or a list of these is wanted \
         (at Statement[0].Condition.StringEquals.aws:a)",
    );
    condition(
        r#"{"StringEquals":{"aws:a":"b","aws:A":"${x}"}}"#,
        "Invalid policy variable: write ${key} or ${key, 'default'} (at Statement[0].Condition.StringEquals.aws:A)",
    );
    for (operator, value, wanted) in [
        ("NumericEquals", "ten", "a number"),
        ("NumericLessThan", "${aws:n}", "a number"),
        ("DateLessThan", "tomorrow", "a date"),
        ("Bool", "yes", "true or false"),
        ("Null", "maybe", "true or false"),
        ("BinaryEquals", "!", "base64"),
        ("IpAddress", "10.0.0.0/33", "a range of addresses"),
        ("NotIpAddress", "${aws:SourceIp}", "a range of addresses"),
    ] {
        condition(
            &format!(r#"{{"{operator}":{{"aws:a":"{value}"}}}}"#),
            &format!("'{value}' is not {wanted} (at Statement[0].Condition.{operator}.aws:a)"),
        );
    }
}

#[test]
fn sizes_and_depth() {
    let of = |len: usize| {
        let empty = r#"{"Statement":{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:r:1:"}}"#;
        let fill = "a".repeat(len - size_chars(empty));
        empty.replace("r:1:", &format!("r:1:{fill}"))
    };
    Policy::parse(&of(MANAGED_MAX_CHARS), MANAGED_MAX_CHARS).unwrap();
    assert_eq!(
        fault(&of(MANAGED_MAX_CHARS + 1)),
        (409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144".to_owned())
    );
    // Blanks do not count, up to a point.
    let blank = format!("{}{}", " ".repeat(100_000), of(MANAGED_MAX_CHARS));
    Policy::parse(&blank, MANAGED_MAX_CHARS).unwrap();
    assert_eq!(fault(&" ".repeat(RAW_MAX_BYTES + 1)).1, "LimitExceeded");
    for depth in [33, 3_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(fault(&deep).2.contains("it is nested too deeply"), "{depth}");
    }
    // What is shown of a stranger's text is short.
    let long = format!(r#"{{"Statement":{{"{}":1}}}}"#, "x".repeat(6_000));
    assert!(fault(&long).2.len() < 150);
}

#[test]
fn trust_policies() {
    let fault = |statement: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        TrustPolicy::parse(&text, TRUST_MAX_CHARS).expect_err(statement).to_string()
    };
    let with_principal = |principal: &str| {
        fault(&format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#))
    };
    assert_eq!(
        fault(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#),
        "Missing required field Principal (at Statement[0])"
    );
    assert_eq!(
        fault(r#"{"Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"*"}}"#),
        "Has prohibited field NotPrincipal (at Statement[0])"
    );
    for element in ["Resource", "NotResource"] {
        assert_eq!(
            fault(&format!(
                r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","{element}":"*"}}"#
            )),
            format!("Has prohibited field {element} (at Statement[0])")
        );
    }
    assert_eq!(
        fault(r#"{"Effect":"Allow","NotAction":"sts:AssumeRole","Principal":"*"}"#),
        "Has prohibited field NotAction (at Statement[0])"
    );
    for action in ["*", "mq:CreateBroker", "sts"] {
        assert_eq!(
            fault(&format!(r#"{{"Effect":"Allow","Action":"{action}","Principal":"*"}}"#)),
            "AssumeRole policy may only specify STS AssumeRole actions. (at Statement[0].Action)"
        );
    }
    assert_eq!(with_principal(r#""bob""#), "Invalid principal in policy: 'bob' (at Statement[0].Principal)");
    assert_eq!(with_principal("{}"), "A list of values must not be empty. (at Statement[0].Principal)");
    assert_eq!(
        with_principal(r#"{"Federated":"x"}"#),
        "Principals of the kind 'Federated' are not served (at Statement[0].Principal)"
    );
    for text in [
        "",
        "bob",
        "12345678901",
        "arn:aws:iam::1:root",
        "arn:aws:iam::123456789012:user/*",
        "arn:aws:iam::123456789012:user/",
        "arn:aws:iam::*:root",
        "arn:aws:iam::123456789012:group/g",
        "arn:aws:sts::123456789012:user/x",
        "arn:aws:iam:r:123456789012:root",
    ] {
        assert_eq!(
            with_principal(&format!(r#"{{"AWS":["{text}"]}}"#)),
            format!("Invalid principal in policy: '{text}' (at Statement[0].Principal.AWS)")
        );
    }
    assert_eq!(
        with_principal(r#"{"Service":"mq"}"#),
        "Invalid principal in policy: 'mq' (at Statement[0].Principal.Service)"
    );
}
