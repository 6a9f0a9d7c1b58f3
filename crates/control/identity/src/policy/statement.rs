//! One statement: what it is about, and whether it is about this.

use super::condition::{self, Condition};
use super::context::Context;
use super::evaluate::Ask;
use super::fault::{PolicyFault, Reason};
use super::json::Json;
use super::pattern::{Case, Template, Variables, Wildcards, is_match};
use super::principal::Principals;

/// What a statement does when it is about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// What kind of policy it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Says what who has it may do.
    Identity,
    /// Says who may assume the role that has it.
    Trust,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub sid: String,
    pub effect: Effect,
    /// Of a trust policy.
    pub principals: Principals,
    pub actions: Selection,
    /// Of an identity policy; a trust policy is about its role.
    pub resources: Selection,
    pub conditions: Vec<Condition>,
}

/// What is meant, or what is not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selection {
    All,
    Only(Vec<Template>),
    AllBut(Vec<Template>),
}

impl Statement {
    /// Reads one.
    pub(super) fn parse(json: &Json, kind: Kind, variables: Variables) -> Result<Self, PolicyFault> {
        let elements = Elements::of(json.object()?)?;
        let sid = elements.sid.map_or(Ok(""), |json| json.text().map_err(at("Sid")))?;
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(at("Sid")(Reason::Sid));
        }
        let effect = match elements.effect.ok_or(Reason::Missing("Effect"))?.text().map_err(at("Effect"))? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            other => return Err(at("Effect")(Reason::Effect(other.to_owned()))),
        };
        let principals = match kind {
            Kind::Identity if elements.principal.is_some() || elements.not_principal.is_some() => {
                return Err(Reason::Principal.into());
            }
            Kind::Identity => Principals::default(),
            Kind::Trust if elements.not_principal.is_some() => {
                return Err(Reason::Prohibited("NotPrincipal").into());
            }
            Kind::Trust => {
                let json = elements.principal.ok_or(Reason::Missing("Principal"))?;
                Principals::parse(json).map_err(|fault| fault.within("Principal"))?
            }
        };
        let conditions = match elements.condition {
            Some(json) => condition::parse(json, variables).map_err(|fault| fault.within("Condition"))?,
            None => Vec::new(),
        };
        Ok(Self {
            sid: sid.to_owned(),
            effect,
            principals,
            actions: actions(&elements, kind)?,
            resources: resources(&elements, kind, variables)?,
            conditions,
        })
    }

    /// Whether it is about what is asked. Principals are the caller's to look at.
    pub(super) fn applies(&self, ask: &Ask<'_>) -> bool {
        let Ask { action, resource, context } = ask;
        self.actions.selects(action, Case::Ignored, context, self.effect)
            && self.resources.selects(resource, Case::Counts, context, self.effect)
            && self.conditions.iter().all(|condition| condition.holds(context, self.effect))
    }
}

impl Selection {
    /// Whether it means a text, in a statement of this effect.
    pub(super) fn selects(&self, text: &str, case: Case, context: &Context, effect: Effect) -> bool {
        match self {
            Self::All => true,
            Self::Only(templates) => templates
                .iter()
                .any(|template| template.fill(context).is_some_and(|pattern| is_match(&pattern, text, case))),
            // A variable without value: what it would have left out is not known, so nothing is allowed by it.
            Self::AllBut(templates) => templates.iter().all(|template| match template.fill(context) {
                Some(pattern) => !is_match(&pattern, text, case),
                None => effect == Effect::Deny,
            }),
        }
    }
}

/// The elements of a statement.
#[derive(Default)]
struct Elements<'a> {
    sid: Option<&'a Json>,
    effect: Option<&'a Json>,
    principal: Option<&'a Json>,
    not_principal: Option<&'a Json>,
    action: Option<&'a Json>,
    not_action: Option<&'a Json>,
    resource: Option<&'a Json>,
    not_resource: Option<&'a Json>,
    condition: Option<&'a Json>,
}

impl<'a> Elements<'a> {
    fn of(members: &'a [(String, Json)]) -> Result<Self, Reason> {
        let mut elements = Self::default();
        for (name, json) in members {
            let place = match name.as_str() {
                "Sid" => &mut elements.sid,
                "Effect" => &mut elements.effect,
                "Principal" => &mut elements.principal,
                "NotPrincipal" => &mut elements.not_principal,
                "Action" => &mut elements.action,
                "NotAction" => &mut elements.not_action,
                "Resource" => &mut elements.resource,
                "NotResource" => &mut elements.not_resource,
                "Condition" => &mut elements.condition,
                _ => return Err(Reason::Unknown(name.clone())),
            };
            *place = Some(json);
        }
        Ok(elements)
    }
}

fn actions(elements: &Elements<'_>, kind: Kind) -> Result<Selection, PolicyFault> {
    match (elements.action, elements.not_action) {
        (Some(_), Some(_)) => Err(Reason::Both("Action", "NotAction").into()),
        (None, None) => Err(Reason::Missing("Action").into()),
        (Some(json), None) => {
            let templates = action_templates(json, kind).map_err(at("Action"))?;
            Ok(Selection::Only(templates))
        }
        (None, Some(_)) if kind == Kind::Trust => Err(Reason::Prohibited("NotAction").into()),
        (None, Some(json)) => {
            let templates = action_templates(json, kind).map_err(at("NotAction"))?;
            Ok(Selection::AllBut(templates))
        }
    }
}

fn action_templates(json: &Json, kind: Kind) -> Result<Vec<Template>, Reason> {
    let texts = json.texts()?;
    if texts.is_empty() {
        return Err(Reason::NoAction);
    }
    for text in &texts {
        let vendor = text.split_once(':').filter(|(vendor, name)| !vendor.is_empty() && !name.is_empty());
        match (kind, vendor) {
            (Kind::Identity, None) if *text != "*" => return Err(Reason::Vendor),
            (Kind::Trust, vendor)
                if !vendor.is_some_and(|(vendor, _)| vendor.eq_ignore_ascii_case("sts")) =>
            {
                return Err(Reason::TrustAction);
            }
            (Kind::Identity | Kind::Trust, _) => {}
        }
    }
    texts.into_iter().map(|text| Template::parse(text, Wildcards::Free, Variables::Off)).collect()
}

fn resources(elements: &Elements<'_>, kind: Kind, variables: Variables) -> Result<Selection, PolicyFault> {
    let (json, name) = match (kind, elements.resource, elements.not_resource) {
        (Kind::Trust, None, None) => return Ok(Selection::All),
        (Kind::Trust, Some(_), _) => return Err(Reason::Prohibited("Resource").into()),
        (Kind::Trust, None, Some(_)) => return Err(Reason::Prohibited("NotResource").into()),
        (Kind::Identity, Some(_), Some(_)) => return Err(Reason::Both("Resource", "NotResource").into()),
        (Kind::Identity, None, None) => return Err(Reason::Missing("Resource").into()),
        (Kind::Identity, Some(json), None) => (json, "Resource"),
        (Kind::Identity, None, Some(json)) => (json, "NotResource"),
    };
    let texts = json.texts().map_err(at(name))?;
    if texts.is_empty() {
        return Err(at(name)(Reason::NoResource));
    }
    let templates = texts.into_iter().map(|text| resource_template(text, variables));
    let templates: Vec<Template> = templates.collect::<Result<_, _>>().map_err(at(name))?;
    Ok(if name == "Resource" { Selection::Only(templates) } else { Selection::AllBut(templates) })
}

fn resource_template(text: &str, variables: Variables) -> Result<Template, Reason> {
    if text == "*" {
        return Template::parse(text, Wildcards::Resource, variables);
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, vendor, rest @ ..] = parts.as_slice() else {
        return Err(Reason::Resource(text.to_owned()));
    };
    // A `*` at the end stands for the parts that are missing.
    let is_whole = matches!(rest, [_, _, resource] if !resource.is_empty())
        || (rest.len() < 3 && !rest.is_empty() && text.ends_with('*'));
    if partition.is_empty() || vendor.is_empty() || !is_whole {
        return Err(Reason::Resource(text.to_owned()));
    }
    if variables == Variables::On && parts.iter().take(5).any(|part| part.contains("${")) {
        return Err(Reason::VariablePlace);
    }
    if vendor.contains(['*', '?']) {
        return Err(Reason::ResourceVendor);
    }
    Template::parse(text, Wildcards::Resource, variables)
}

fn at(name: &'static str) -> impl Fn(Reason) -> PolicyFault {
    move |reason| PolicyFault::from(reason).within(name)
}
