//! The table of S5: principal by operation by resource. Each row is one signed call; one that is refused changes nothing and
//! leaves one record.

use serde_json::{Value, json};

use super::rig::{Answer, Key, REGION, Rig, rabbitmq};
use crate::records::{Broker, Configuration};

/// Who there is: `documented` is of docs/operations/access.md. A name, what the account gives it, and what of it. A line without a name goes on with the one before.
///
/// `policy JSON` puts an inline policy of these statements, `attach NAME` attaches a policy that AWS manages, `boundary JSON`
/// makes it with a boundary of these statements, `group NAME` makes it a member, `tag KEY=VALUE` tags it.
const PRINCIPALS: &str = r#"
nobody
reader      attach AmazonMQReadOnlyAccess
owner       attach AmazonMQFullAccess
red-arn     policy {"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:eu-west-1:123456789012:broker:red-*:*"}
red-tag     policy {"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}
own-tag     policy {"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}
            tag team=blue
maker       policy {"Effect":"Allow","Action":["mq:CreateBroker","mq:CreateTags"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"},"ForAllValues:StringEquals":{"aws:TagKeys":["team","env"]}}}
untagger    policy {"Effect":"Allow","Action":"mq:CreateBroker","Resource":"*"}
denied      attach AmazonMQFullAccess
            policy {"Effect":"Deny","Action":["mq:Delete*","mq:RebootBroker"],"Resource":"*"}
blue-denied attach AmazonMQFullAccess
            policy {"Effect":"Deny","Action":"mq:*","Resource":"arn:aws:mq:*:*:broker:blue-*:*"}
office      policy {"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}}
not-outside attach AmazonMQFullAccess
            policy {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:ViaAWSService":"false"}}}
until       policy {"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-12-01T00:00:00Z"}}}
after       policy {"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2026-12-01T00:00:00Z"}}}
no-iam      policy {"Effect":"Allow","NotAction":["iam:*","sts:*","mq:Delete*"],"Resource":"*"}
not-blue    policy {"Effect":"Allow","Action":"mq:*","NotResource":"arn:aws:mq:*:*:broker:blue-*:*"}
bounded     boundary {"Effect":"Allow","Action":["mq:Describe*","iam:*"],"Resource":"*"}
            attach AmazonMQFullAccess
only-bound  boundary {"Effect":"Allow","Action":"mq:*","Resource":"*"}
member      group readers
both        group readers
            group rebooters
iam-admin   attach IAMFullAccess
iam-reader  attach IAMReadOnlyAccess
own-keys    policy {"Effect":"Allow","Action":["iam:*AccessKey*","iam:GetUser"],"Resource":"arn:aws:iam::*:user/${aws:username}"}
team-admin  policy {"Effect":"Allow","Action":"iam:*User*","Resource":"arn:aws:iam::123456789012:user/team/*"}
tag-admin   policy {"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/team":"blue"}}}
res-admin   policy {"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}
attacher    policy {"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess"}}}
bounder     policy {"Effect":"Allow","Action":"iam:CreateUser","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::aws:policy/AmazonMQFullAccess"}}}
admin       attach AdministratorAccess
assumer     policy {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/deploy"}
            attach AmazonMQFullAccess
mute        attach AdministratorAccess
            policy {"Effect":"Deny","Action":"sts:GetCallerIdentity","Resource":"*"}
logs-only   policy {"Effect":"Allow","Action":"logs:*","Resource":"*"}
auditor     policy {"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*"}
other-place policy {"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}
documented  policy {"Effect":"Allow","Action":["mq:ListBrokers","mq:ListConfigurations","mq:DescribeBrokerEngineTypes","mq:DescribeBrokerInstanceOptions"],"Resource":"*"},{"Effect":"Allow","Action":["mq:CreateBroker","mq:CreateConfiguration","mq:CreateTags"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"}}},{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}},{"Effect":"Deny","Action":["mq:CreateTags","mq:DeleteTags"],"Resource":"arn:aws:mq:*:*:*","Condition":{"StringNotEqualsIfExists":{"aws:ResourceTag/team":"red"}}}
sg-reader   policy {"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}
sg-red      policy {"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}
sg-own-red  policy {"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/team":"red"}}}
sg-arn      policy {"Effect":"Allow","Action":["ec2:AuthorizeSecurityGroupIngress","ec2:RevokeSecurityGroupIngress"],"Resource":"arn:aws:ec2:eu-west-1:123456789012:security-group/sg-0"}
sg-maker    policy {"Effect":"Allow","Action":["ec2:CreateSecurityGroup","ec2:CreateTags"],"Resource":"*","Condition":{"StringEqualsIfExists":{"aws:RequestTag/team":"red"}}}
sg-untagger policy {"Effect":"Allow","Action":"ec2:CreateSecurityGroup","Resource":["arn:aws:ec2:*:*:security-group/*","arn:aws:ec2:*:*:vpc/*"]}
sg-no-vpc   policy {"Effect":"Allow","Action":"ec2:CreateSecurityGroup","Resource":"arn:aws:ec2:*:*:security-group/*"}
sg-denied   policy {"Effect":"Allow","Action":"ec2:*","Resource":"*"},{"Effect":"Deny","Action":"ec2:*Tags","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"team"}}}
spare       attach AmazonMQFullAccess
gone        attach AmazonMQFullAccess
"#;

/// Groups and their policies.
const GROUPS: [(&str, &str); 2] = [
    ("readers", r#"{"Effect":"Allow","Action":["mq:Describe*","mq:List*"],"Resource":"*"}"#),
    ("rebooters", r#"{"Effect":"Allow","Action":"mq:RebootBroker","Resource":"*"}"#),
];

/// Principal, call, resource, and what comes of it: `allow`, `deny`, or the code of a signature that opens nothing. `@ADDRESS`
/// after the principal says where it calls from.
const TABLE: &str = "
expired             ListBrokers             -           ExpiredTokenException
expired             sts:GetCallerIdentity   -           ExpiredToken
nobody              ListBrokers             -           deny
nobody              DescribeBroker          red         deny
nobody              DescribeBroker          none        deny
nobody              CreateBroker            -           deny
nobody              DeleteBroker            red         deny
nobody              RebootBroker            red         deny
nobody              UpdateBroker            red         deny
nobody              CreateUser              red         deny
nobody              DeleteUser              red         deny
nobody              UpdateUser              red         deny
nobody              DescribeUser            red         deny
nobody              ListUsers               red         deny
nobody              CreateConfiguration     -           deny
nobody              UpdateConfiguration     conf        deny
nobody              DeleteConfiguration     conf        deny
nobody              DescribeConfiguration   conf        deny
nobody              ListRevisions           conf        deny
nobody              DescribeRevision        conf        deny
nobody              ListConfigurations      -           deny
nobody              ListTags                red         deny
nobody              CreateTags              red         deny
nobody              DeleteTags              red         deny
nobody              EngineTypes             -           deny
nobody              InstanceOptions         -           deny
nobody              Promote                 red         deny
nobody              SharedResources         red         deny
nobody              iam:ListUsers           -           deny
nobody              iam:GetUser             ann         deny
nobody              iam:CreateUser          new         deny
nobody              iam:CreateAccessKey     nobody      deny
nobody              sts:GetCallerIdentity   -           allow
nobody              sts:GetSessionToken     -           allow
nobody              sts:AssumeRole          deploy      deny
nobody              sts:AssumeRole          none        deny
nobody              logs:DescribeLogGroups  -           deny
nobody              trail:LookupEvents      -           deny
reader              ListBrokers             -           allow
reader              DescribeBroker          red         allow
reader              DescribeBroker          none        allow
reader              ListUsers               red         allow
reader              DescribeUser            blue        allow
reader              ListConfigurations      -           allow
reader              DescribeConfiguration   conf        allow
reader              ListRevisions           conf        allow
reader              DescribeRevision        conf        allow
reader              ListTags                conf        allow
reader              EngineTypes             -           allow
reader              InstanceOptions         -           allow
reader              SharedResources         red         allow
reader              CreateBroker            -           deny
reader              DeleteBroker            red         deny
reader              RebootBroker            blue        deny
reader              UpdateBroker            blue        deny
reader              CreateUser              red         deny
reader              DeleteTags              conf        deny
reader              UpdateConfiguration     conf        deny
reader              iam:GetUser             reader      deny
owner               DescribeBroker          red         allow
owner               UpdateBroker            blue        allow
owner               CreateTags              red         allow
owner               CreateConfiguration     -           allow
owner               CreateConfiguration     team=red    allow
owner               CreateBroker            -           allow
owner               CreateBroker            team=red    allow
owner               iam:ListUsers           -           deny
owner               sts:AssumeRole          deploy      deny
owner               logs:DescribeLogGroups  -           deny
red-arn             DescribeBroker          red         allow
red-arn             UpdateBroker            red         allow
red-arn             ListTags                red         allow
red-arn             DescribeBroker          blue        deny
red-arn             RebootBroker            blue        deny
red-arn             DescribeBroker          none        deny
red-arn             ListTags                blue        deny
red-arn             ListBrokers             -           deny
red-arn             DescribeConfiguration   conf        deny
red-tag             DescribeBroker          red         allow
red-tag             UpdateBroker            red         allow
red-tag             DescribeBroker          blue        deny
red-tag             DescribeBroker          none        deny
red-tag             DescribeConfiguration   conf        deny
red-tag             ListBrokers             -           deny
red-tag             CreateBroker            team=red    deny
own-tag             DescribeBroker          blue        allow
own-tag             DescribeConfiguration   conf        allow
own-tag             DescribeBroker          red         deny
own-tag             DeleteBroker            red         deny
maker               CreateBroker            -           deny
maker               CreateBroker            team=blue   deny
maker               CreateBroker            team=red,x=y deny
maker               CreateBroker            team=red,env=test allow
maker               CreateBroker            team=red    allow
maker               CreateTags              red         allow
maker               DeleteTags              red         deny
maker               DescribeBroker          red         deny
untagger            CreateBroker            team=red    deny
untagger            CreateBroker            -           allow
denied              DescribeBroker          red         allow
denied              UpdateBroker            red         allow
denied              DeleteBroker            red         deny
denied              DeleteTags              red         deny
denied              RebootBroker            red         deny
denied              DeleteConfiguration     conf        deny
blue-denied         DescribeBroker          red         allow
blue-denied         DescribeBroker          blue        deny
blue-denied         CreateTags              blue        deny
blue-denied         ListBrokers             -           allow
office@10.1.2.3     DescribeBroker          red         allow
office@2001:db8::7  DescribeBroker          red         allow
office@11.1.2.3     DescribeBroker          red         deny
office@2001:db9::7  DescribeBroker          red         deny
office              ListBrokers             -           deny
not-outside@10.9.9.9 ListBrokers            -           allow
not-outside@192.0.2.1 ListBrokers           -           deny
until               ListBrokers             -           allow
until               UpdateBroker            red         allow
after               ListBrokers             -           deny
no-iam              ListBrokers             -           allow
no-iam              UpdateBroker            red         allow
no-iam              DeleteBroker            red         deny
no-iam              DeleteTags              red         deny
no-iam              iam:ListUsers           -           deny
no-iam              sts:AssumeRole          deploy      deny
no-iam              logs:DescribeLogGroups  -           allow
not-blue            DescribeBroker          red         allow
not-blue            DescribeBroker          blue        deny
not-blue            ListBrokers             -           allow
bounded             DescribeBroker          red         allow
bounded             ListBrokers             -           deny
bounded             RebootBroker            red         deny
bounded             iam:ListUsers           -           deny
only-bound          ListBrokers             -           deny
only-bound          DescribeBroker          red         deny
member              ListBrokers             -           allow
member              DescribeBroker          blue        allow
member              RebootBroker            red         deny
both                ListBrokers             -           allow
both                RebootBroker            none        allow
both                UpdateBroker            red         deny
iam-admin           iam:ListUsers           -           allow
iam-admin           iam:GetUser             ann         allow
iam-admin           iam:CreateUser          new-1       allow
iam-admin           iam:PutUserPolicy       ann         allow
iam-admin           ListBrokers             -           deny
iam-admin           sts:AssumeRole          deploy      deny
iam-reader          iam:ListUsers           -           allow
iam-reader          iam:GetUser             ann         allow
iam-reader          iam:GetRole             deploy      allow
iam-reader          iam:CreateUser          new         deny
iam-reader          iam:PutUserPolicy       iam-reader  deny
iam-reader          iam:CreateAccessKey     -           deny
iam-reader          iam:CreateAccessKey     ann         deny
iam-reader          iam:AttachUserPolicy    iam-reader  deny
own-keys            iam:CreateAccessKey     -           allow
own-keys            iam:ListAccessKeys      own-keys    allow
own-keys            iam:GetUser             -           allow
own-keys            iam:GetUser             ann         deny
own-keys            iam:CreateAccessKey     ann         deny
own-keys            iam:ListAccessKeys      ann         deny
own-keys            iam:PutUserPolicy       own-keys    deny
own-keys            iam:ListUsers           -           deny
team-admin          iam:CreateUser          /team/dan   allow
team-admin          iam:GetUser             dan         allow
team-admin          iam:RenameUser          dan>/team/dora allow
team-admin          iam:RenameUser          dora>/dora  deny
team-admin          iam:CreateUser          /other/dan  deny
team-admin          iam:CreateUser          new         deny
team-admin          iam:CreateUser          /other/dora deny
team-admin          iam:GetUser             ann         deny
team-admin          iam:ListUsers           -           deny
tag-admin           iam:GetUser             own-tag     allow
tag-admin           iam:GetUser             ann         deny
res-admin           iam:GetUser             own-tag     allow
res-admin           iam:GetUser             ann         deny
res-admin           iam:GetRole             deploy      deny
attacher            iam:AttachUserPolicy    ann         allow
attacher            iam:AttachFull          ann         deny
attacher            iam:DetachUserPolicy    ann         deny
bounder             iam:CreateUser          new         deny
bounder             iam:CreateBounded       new-2       allow
admin               ListBrokers             -           allow
admin               iam:ListUsers           -           allow
admin               sts:AssumeRole          deploy      allow
admin               trail:LookupEvents      -           allow
admin               logs:DescribeLogGroups  -           allow
mute                sts:GetCallerIdentity   -           allow
logs-only           logs:DescribeLogGroups  -           allow
logs-only           ListBrokers             -           deny
logs-only           trail:LookupEvents      -           deny
auditor             trail:LookupEvents      -           allow
auditor             logs:DescribeLogGroups  -           deny
other-place         ListBrokers             -           deny
assumer             sts:AssumeRole          deploy      allow
assumer             sts:AssumeRole          none        deny
session             DescribeBroker          red         allow
session             ListBrokers             -           deny
session             DeleteBroker            red         deny
session             iam:ListUsers           -           deny
session             sts:GetCallerIdentity   -           allow
session             sts:GetSessionToken     -           deny
whole-session       ListBrokers             -           allow
whole-session       UpdateBroker            red         allow
whole-session       DeleteBroker            blue        deny
documented          ListBrokers             -           allow
documented          CreateBroker            team=red    allow
documented          CreateBroker            team=blue   deny
documented          CreateBroker            -           deny
documented          CreateConfiguration     team=red    allow
documented          DescribeBroker          red         allow
documented          UpdateBroker            red         allow
documented          CreateTags              red         allow
documented          DescribeBroker          blue        deny
documented          ListUsers               blue        deny
documented          CreateTags              blue        deny
documented          DeleteTags              blue        deny
documented          UpdateConfiguration     conf        deny
documented          iam:ListUsers           -           deny
inactive            ListBrokers             -           InvalidSignatureException
inactive            iam:ListUsers           -           SignatureDoesNotMatch
gone                ListBrokers             -           InvalidSignatureException
gone                sts:GetCallerIdentity   -           SignatureDoesNotMatch
nobody              ec2:DescribeSecurityGroups -        deny
nobody              ec2:CreateSecurityGroup -           deny
nobody              ec2:DeleteSecurityGroup web         deny
nobody              ec2:AuthorizeSecurityGroupIngress web deny
nobody              ec2:RevokeSecurityGroupEgress web   deny
nobody              ec2:CreateTags          web         deny
nobody              ec2:DescribeVpcs        -           deny
owner               ec2:DescribeSubnets     -           allow
owner               ec2:CreateSecurityGroup -           deny
reader              ec2:DescribeSecurityGroups -        allow
reader              ec2:DescribeTags        -           deny
reader              ec2:AuthorizeSecurityGroupIngress web deny
admin               ec2:DescribeSecurityGroups -        allow
sg-reader           ec2:DescribeSecurityGroups -        allow
sg-reader           ec2:DescribeSecurityGroupRules -    allow
sg-reader           ec2:DescribeSubnets     -           allow
sg-reader           ec2:DescribeAvailabilityZones -     allow
sg-reader           ec2:DescribeTags        -           allow
sg-reader           ec2:AuthorizeSecurityGroupIngress web deny
sg-reader           ec2:DeleteSecurityGroup web         deny
sg-reader           ListBrokers             -           deny
sg-red              ec2:AuthorizeSecurityGroupIngress web allow
sg-red              ec2:AuthorizeSecurityGroupIngress db deny
sg-red              ec2:AuthorizeSecurityGroupIngress no-group deny
sg-red              ec2:RevokeSecurityGroupIngress web  allow
sg-red              ec2:CreateTags          web         allow
sg-red              ec2:CreateTags          web+db      deny
sg-red              ec2:CreateTags          db+web      deny
sg-red              ec2:DeleteTags          db          deny
sg-red              ec2:ByName              db          deny
sg-red              ec2:CreateSecurityGroup team=red    deny
sg-own-red          ec2:AuthorizeSecurityGroupIngress web allow
sg-own-red          ec2:AuthorizeSecurityGroupIngress db deny
sg-arn              ec2:AuthorizeSecurityGroupIngress no-group allow
sg-arn              ec2:AuthorizeSecurityGroupIngress web deny
sg-arn              ec2:AuthorizeSecurityGroupEgress no-group deny
sg-maker            ec2:CreateSecurityGroup team=blue   deny
sg-maker            ec2:CreateSecurityGroup team=red    allow
sg-maker            ec2:DeleteSecurityGroup web         deny
sg-untagger         ec2:CreateSecurityGroup team=red    deny
sg-untagger         ec2:CreateSecurityGroup -           allow
sg-no-vpc           ec2:CreateSecurityGroup -           deny
sg-denied           ec2:CreateTags          web         deny
sg-denied           ec2:DeleteTags          web         deny
sg-denied           ec2:ByName              web         allow
owner               RebootBroker            red         allow
owner               DeleteBroker            red         allow
";

/// The account of the table.
struct World {
    rig: Rig,
    /// Ids of what the table calls by other names.
    ids: Vec<(&'static str, String)>,
    keys: Vec<(String, Key)>,
}

fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

impl World {
    fn new() -> Self {
        let rig = Rig::new();
        let tagged = |name: &str, team: &str| {
            let mut input = rabbitmq(name);
            input["tags"] = json!({"team": team});
            rig.broker(&input)
        };
        let (red, blue) = (tagged("red-1", "red"), tagged("blue-1", "blue"));
        let conf = json!({"name": "conf", "engineType": "RABBITMQ", "tags": {"team": "blue"}});
        let conf = rig.call("POST", "/v1/configurations", &conf).body["id"].as_str().unwrap().to_owned();
        let group = |name: &str, team: &str| {
            let tag = [("TagSpecification.1.Tag.1.Key", "team"), ("TagSpecification.1.Tag.1.Value", team)];
            let new = [
                ("GroupName", name),
                ("GroupDescription", "d"),
                ("TagSpecification.1.ResourceType", "security-group"),
            ];
            rig.ec2_done("CreateSecurityGroup", &[&new[..], &tag].concat()).first("groupId").to_owned()
        };
        let (web, db) = (group("web", "red"), group("db", "blue"));
        let ids = vec![
            ("red", red),
            ("blue", blue),
            ("conf", conf),
            ("none", "b-0".to_owned()),
            ("web", web),
            ("db", db),
            ("no-group", "sg-0".to_owned()),
        ];
        let mut world = Self { rig, ids, keys: Vec::new() };
        for (name, statement) in GROUPS {
            world.rig.done("CreateGroup", &[("GroupName", name)]);
            let policy = [("GroupName", name), ("PolicyName", "p"), ("PolicyDocument", &document(statement))];
            world.rig.done("PutGroupPolicy", &policy);
        }
        world.rig.done("CreateUser", &[("UserName", "ann")]);
        world.users();
        world.sessions();
        world
    }

    fn users(&mut self) {
        let mut name = "";
        for line in PRINCIPALS.lines().filter(|line| !line.is_empty()) {
            let (mut what, mut value) = ("", "");
            if let Some(first) = line.split_whitespace().next().filter(|_| !line.starts_with(' ')) {
                name = first;
            }
            let rest = line.strip_prefix(name).unwrap_or(line).trim();
            if let Some(given) = rest.split_once(' ') {
                (what, value) = given;
            }
            if !line.starts_with(' ') {
                self.make(name, (what == "boundary").then_some(value));
            }
            if !matches!(what, "" | "boundary") {
                self.give(name, what, value);
            }
        }
    }

    /// Makes a user; a boundary it gets at once.
    fn make(&mut self, name: &str, boundary: Option<&str>) {
        let arn = boundary.map(|statements| {
            let policy = [("PolicyName", name), ("PolicyDocument", &document(statements))];
            self.rig.done("CreatePolicy", &policy).first("Arn").to_owned()
        });
        let user = [("UserName", name), ("PermissionsBoundary", arn.as_deref().unwrap_or_default())];
        self.rig.done("CreateUser", if arn.is_some() { &user } else { &user[..1] });
        self.keys.push((name.to_owned(), self.rig.key_of(name)));
    }

    fn give(&self, name: &str, what: &str, value: &str) {
        let user = ("UserName", name);
        let arn = format!("arn:aws:iam::aws:policy/{value}");
        let (key, tag) = value.split_once('=').unwrap_or_default();
        let text = document(value);
        let (action, members): (_, &[(&str, &str)]) = match what {
            "policy" => ("PutUserPolicy", &[user, ("PolicyName", "p"), ("PolicyDocument", &text)]),
            "attach" => ("AttachUserPolicy", &[user, ("PolicyArn", &arn)]),
            "group" => ("AddUserToGroup", &[user, ("GroupName", value)]),
            "tag" => ("TagUser", &[user, ("Tags.member.1.Key", key), ("Tags.member.1.Value", tag)]),
            other => panic!("{other}"),
        };
        self.rig.done(action, members);
    }

    /// A role and its sessions, and keys that open nothing.
    fn sessions(&mut self) {
        let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}"#;
        self.rig.done("CreateRole", &[("RoleName", "deploy"), ("AssumeRolePolicyDocument", trust)]);
        let arn = "arn:aws:iam::aws:policy/AmazonMQFullAccess";
        self.rig.done("AttachRolePolicy", &[("RoleName", "deploy"), ("PolicyArn", arn)]);
        let deny = document(r#"{"Effect":"Deny","Action":"mq:DeleteBroker","Resource":"*"}"#);
        self.rig
            .done("PutRolePolicy", &[("RoleName", "deploy"), ("PolicyName", "p"), ("PolicyDocument", &deny)]);
        let role = [("RoleArn", "arn:aws:iam::123456789012:role/deploy"), ("RoleSessionName", "s1")];
        let assume = |more: &[(&str, &str)]| {
            let answer =
                self.rig.query(&self.key("assumer"), "sts", "AssumeRole", &[role.as_slice(), more].concat());
            answer.key()
        };
        let describe = document(r#"{"Effect":"Allow","Action":"mq:Describe*","Resource":"*"}"#);
        let (session, whole) = (assume(&[("Policy", &describe)]), assume(&[]));
        let expired = assume(&[("DurationSeconds", "900")]);
        self.rig.clock.advance_ms(901_000);
        let inactive = self.key("spare");
        let id = inactive.credentials.access_key_id.clone();
        self.rig
            .done("UpdateAccessKey", &[("UserName", "spare"), ("AccessKeyId", &id), ("Status", "Inactive")]);
        let gone = [("UserName", "gone"), ("AccessKeyId", &self.key("gone").credentials.access_key_id)];
        self.rig.done("DeleteAccessKey", &gone);
        self.rig.done("DetachUserPolicy", &[("UserName", "gone"), ("PolicyArn", arn)]);
        self.rig.done("DeleteUser", &gone[..1]);
        let more =
            [("expired", expired), ("session", session), ("whole-session", whole), ("inactive", inactive)];
        self.keys.extend(more.map(|(name, key)| (name.to_owned(), key)));
    }

    /// The key of `NAME` or `NAME@ADDRESS`.
    fn key(&self, who: &str) -> Key {
        let (name, address) = who.split_once('@').unwrap_or((who, "127.0.0.1"));
        self.keys.iter().find(|(known, _)| known == name).unwrap().1.from(address)
    }

    fn id(&self, name: &str) -> String {
        self.ids.iter().find(|(known, _)| *known == name).map_or(name.to_owned(), |(_, id)| id.clone())
    }

    /// All that a call can change, but not when a key was last used.
    fn kept(&self) -> (Vec<(String, Vec<u8>)>, Vec<Value>) {
        let view = self.rig.service.store.view().unwrap();
        let identity = view.identity().unwrap().into_iter();
        let identity = identity
            .map(|(key, value)| if key.starts_with("key/") { (key, Vec::new()) } else { (key, value) });
        let brokers: Vec<Broker> = view.scan(&Broker::prefix(REGION), "", 1_000).unwrap();
        let configurations: Vec<Configuration> =
            view.scan(&Configuration::prefix(REGION), "", 1_000).unwrap();
        let network = crate::network::Network::of("123456789012", REGION);
        let groups = network.groups(&view).unwrap();
        let groups = groups.iter().map(|it| serde_json::to_value(it).unwrap());
        let brokers = brokers.iter().map(|it| serde_json::to_value(it).unwrap());
        let configurations = configurations.iter().map(|it| serde_json::to_value(it).unwrap());
        (identity.collect(), brokers.chain(configurations).chain(groups).collect())
    }

    /// Makes the call of a row; gives the status and the code of an error.
    fn call(&self, key: &Key, call: &str, on: &str) -> (u16, String) {
        let xml = |answer: super::rig::Xml| (answer.status, answer.code().to_owned());
        match call.split_once(':') {
            Some(("iam", action)) => xml(self.iam(key, action, on)),
            Some(("sts", action)) => {
                let arn = format!("arn:aws:iam::123456789012:role/{on}");
                let role = [("RoleArn", arn.as_str()), ("RoleSessionName", "s1")];
                let members = if action == "AssumeRole" { &role[..] } else { &[] };
                xml(self.rig.query(key, "sts", action, members))
            }
            Some(("ec2", action)) => xml(self.ec2(key, action, on)),
            Some(("logs", action)) => self.json(key, "logs", &format!("Logs_20140328.{action}")),
            Some((_, action)) => {
                let name = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";
                self.json(key, "cloudtrail", &format!("{name}.{action}"))
            }
            None => {
                let (method, path, body) = self.mq(call, on);
                let Answer { status, error, .. } = self.rig.call_as(key, method, &path, &body);
                (status, error)
            }
        }
    }

    fn json(&self, key: &Key, service: &str, target: &str) -> (u16, String) {
        self.rig.clock.advance_ms(1_000);
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let request = self.rig.sign_for(key, service, &headers, ("POST", "/", "", "{}"));
        let answer =
            super::rig::answer(&self.rig.service.answer(&request, crate::service::Peer(key.address)));
        (answer.status, answer.error)
    }

    fn ec2(&self, key: &Key, action: &str, on: &str) -> super::rig::Xml {
        let id = self.id(on);
        let call = |action, members: &[(&str, &str)]| self.rig.query(key, "ec2", action, members);
        let spec = |key| {
            [("TagSpecification.1.ResourceType", "security-group"), ("TagSpecification.1.Tag.1.Key", key)]
        };
        let rule = [("IpProtocol", "-1"), ("CidrIp", "10.0.0.0/8")];
        let name = format!("made-by-{}", key.credentials.access_key_id);
        let new = [("GroupName", name.as_str()), ("GroupDescription", "d")];
        match action {
            _ if action.starts_with("Describe") => call(action, &[]),
            "CreateSecurityGroup" => match on.split_once('=') {
                Some((tag, value)) => {
                    let value = ("TagSpecification.1.Tag.1.Value", value);
                    call(action, &[&new[..], &spec(tag), &[value]].concat())
                }
                None => call(action, &new),
            },
            "CreateTags" | "DeleteTags" => {
                let ids: Vec<String> = on.split('+').map(|on| self.id(on)).collect();
                let names = ["ResourceId.1", "ResourceId.2"];
                let ids = names.iter().zip(&ids).map(|(name, id)| (*name, id.as_str()));
                let tag = [("Tag.1.Key", "team"), ("Tag.1.Value", "red")];
                call(action, &ids.chain(tag).collect::<Vec<_>>())
            }
            "ByName" => call("DeleteSecurityGroup", &[("GroupName", on)]),
            _ => call(action, &[&[("GroupId", id.as_str())], &rule[..]].concat()),
        }
    }

    fn iam(&self, key: &Key, action: &str, on: &str) -> super::rig::Xml {
        let call = |action, members: &[(&str, &str)]| self.rig.query(key, "iam", action, members);
        let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
        let (read, full) = (arn("AmazonMQReadOnlyAccess"), arn("AmazonMQFullAccess"));
        let user = ("UserName", on);
        match action {
            _ if on == "-" => call(action, &[]),
            "GetRole" => call(action, &[("RoleName", on)]),
            "PutUserPolicy" => {
                let statement = document(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
                call(action, &[user, ("PolicyName", "more"), ("PolicyDocument", &statement)])
            }
            "AttachFull" => call("AttachUserPolicy", &[user, ("PolicyArn", &full)]),
            "AttachUserPolicy" | "DetachUserPolicy" => call(action, &[user, ("PolicyArn", &read)]),
            "CreateBounded" => call("CreateUser", &[user, ("PermissionsBoundary", &full)]),
            "CreateUser" => match on.rsplit_once('/') {
                Some((path, name)) => call(action, &[("UserName", name), ("Path", &format!("{path}/"))]),
                None => call(action, &[user]),
            },
            "RenameUser" => {
                let (old, new) = on.split_once('>').unwrap();
                let (path, name) = new.rsplit_once('/').unwrap();
                let members = [("UserName", old), ("NewUserName", name), ("NewPath", &format!("{path}/"))];
                call("UpdateUser", &members)
            }
            _ => call(action, &[user]),
        }
    }

    fn mq(&self, call: &str, on: &str) -> (&'static str, String, Value) {
        let id = self.id(on);
        let (broker, user) = (format!("/v1/brokers/{id}"), format!("/v1/brokers/{id}/users/ann"));
        let conf = format!("/v1/configurations/{id}");
        let tags = format!("/v1/tags/{}", self.arn(on).replace(':', "%3A"));
        let tagging: serde_json::Map<String, Value> = on
            .split(',')
            .filter_map(|tag| tag.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        let none = Value::Null;
        match call {
            "ListBrokers" => ("GET", "/v1/brokers".into(), none),
            "DescribeBroker" => ("GET", broker, none),
            "UpdateBroker" => ("PUT", broker, json!({"autoMinorVersionUpgrade": true})),
            "DeleteBroker" => ("DELETE", broker, none),
            "RebootBroker" => ("POST", format!("{broker}/reboot"), none),
            "Promote" => ("POST", format!("{broker}/promote"), json!({"mode": "FAILOVER"})),
            "SharedResources" => ("GET", format!("{broker}/shared-resources"), none),
            "ListUsers" => ("GET", format!("{broker}/users"), none),
            "DescribeUser" => ("GET", user, none),
            "CreateUser" => ("POST", user, json!({"password": "another good password"})),
            "UpdateUser" => ("PUT", user, json!({"password": "another good password"})),
            "DeleteUser" => ("DELETE", user, none),
            "ListConfigurations" => ("GET", "/v1/configurations".into(), none),
            "DescribeConfiguration" => ("GET", conf, none),
            "ListRevisions" => ("GET", format!("{conf}/revisions"), none),
            "DescribeRevision" => ("GET", format!("{conf}/revisions/1"), none),
            "UpdateConfiguration" => ("PUT", conf, json!({"data": "YQ=="})),
            "DeleteConfiguration" => ("DELETE", conf, none),
            "ListTags" => ("GET", tags, none),
            "CreateTags" => ("POST", tags, json!({"tags": {"team": "red"}})),
            "DeleteTags" => ("DELETE", format!("{tags}?tagKeys=team"), none),
            "EngineTypes" => ("GET", "/v1/broker-engine-types".into(), none),
            "InstanceOptions" => ("GET", "/v1/broker-instance-options".into(), none),
            "CreateConfiguration" => {
                let name = format!("made-{}", tagging.len());
                let body = json!({"name": name, "engineType": "RABBITMQ", "tags": tagging});
                ("POST", "/v1/configurations".into(), body)
            }
            "CreateBroker" => {
                use ternmq_env::Clock;
                let mut body = rabbitmq(&format!("made-{}", self.rig.clock.wall_ms()));
                body["tags"] = tagging.into();
                ("POST", "/v1/brokers".into(), body)
            }
            other => panic!("{other}"),
        }
    }

    fn arn(&self, on: &str) -> String {
        let id = self.id(on);
        let kind = match on {
            "red" | "blue" => format!("broker:{on}-1"),
            _ => "configuration".to_owned(),
        };
        format!("arn:aws:mq:{REGION}:123456789012:{kind}:{id}")
    }

    /// One row.
    fn check(&self, row: &str) {
        let [who, call, on, expect] = row.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{row}") };
        let (before, records) = (self.kept(), self.rig.audit().len());
        let (status, code) = self.call(&self.key(who), call, on);
        let denied = if call.starts_with("iam:") || call.starts_with("sts:") {
            "AccessDenied"
        } else if call.starts_with("ec2:") {
            "UnauthorizedOperation"
        } else {
            "AccessDeniedException"
        };
        let code_expected = match expect {
            "allow" => {
                // What is allowed may still fail for what it asks: there is no such broker, or it is busy.
                let is_asked = !code.contains("Operation") && !code.contains("Action");
                assert!(matches!(status, 200..=204 | 400 | 404 | 409) && is_asked, "{row}: {status} {code}");
                return;
            }
            "deny" => denied,
            code => code,
        };
        assert_eq!((status, code.as_str()), (403, code_expected), "{row}");
        assert!(self.kept() == before, "{row}: something changed");
        let now = self.rig.audit();
        assert_eq!(now.len(), records + 1, "{row}");
        let last = now.last().unwrap();
        assert_eq!(last["errorCode"], code_expected, "{row}");
        if expect == "deny" {
            assert!(
                last["errorMessage"].as_str().unwrap().contains("not authorized")
                    || call == "sts:GetSessionToken",
                "{row}: {last}"
            );
        }
    }
}

#[test]
fn who_may_do_what_to_which() {
    let world = World::new();
    let rows: Vec<&str> = TABLE.lines().filter(|line| !line.is_empty()).collect();
    assert!(rows.len() >= 220, "{}", rows.len());
    rows.iter().for_each(|row| world.check(row));
}
