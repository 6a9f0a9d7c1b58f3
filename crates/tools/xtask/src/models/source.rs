//! What is taken from a service model: the operations that are served and every shape that they reach.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// One service.
pub(crate) struct Service {
    pub name: String,
    pub id: String,
    pub api_version: String,
    pub signing_name: String,
    pub protocol: &'static str,
    /// Before the dot in `X-Amz-Target`; empty where there is none.
    pub target_prefix: String,
    /// Namespace of XML answers; empty where there is none.
    pub xml_namespace: String,
    pub operations: Vec<Operation>,
    /// By name, only those that are reached.
    pub shapes: BTreeMap<String, Shape>,
    /// Shape names of errors with code and status, sorted.
    pub faults: BTreeMap<String, (String, u64)>,
    /// Names of structures that are, or are inside of, an input.
    pub inputs: BTreeSet<String>,
}

/// One operation.
pub(crate) struct Operation {
    pub name: String,
    pub method: String,
    pub path: String,
    pub status: u64,
    pub input: Option<String>,
    pub output: Option<String>,
    /// Element around the output in XML; empty where there is none.
    pub wrapper: String,
}

/// One shape.
pub(crate) enum Shape {
    Structure(Vec<Member>),
    List { member: String, item_name: String, is_flat: bool, least: u64, most: u64 },
    Map { key: String, value: String },
    Text { least: u64, most: u64, pattern: String, values: Vec<String> },
    Integer { least: i64, most: i64 },
    Long { least: i64, most: i64 },
    Boolean,
    Time(&'static str),
}

/// One member of a structure.
pub(crate) struct Member {
    pub name: String,
    pub wire: String,
    pub shape: String,
    pub place: &'static str,
    pub is_required: bool,
}

impl Service {
    /// Takes the named operations, or all, and what they reach.
    pub(crate) fn read(name: &str, model: &Value, wanted: &[&str]) -> Result<Self> {
        let metadata = &model["metadata"];
        let protocol = match text(metadata, "protocol") {
            "rest-json" => "RestJson",
            "query" => "Query",
            "json" => "AwsJson",
            "ec2" => "Ec2",
            other => bail!("there is no codec for the protocol {other}"),
        };
        let all = model["operations"].as_object().context("no operations")?;
        let operations: Vec<Operation> = all
            .values()
            .filter(|operation| wanted.is_empty() || wanted.contains(&text(operation, "name")))
            .map(operation)
            .collect();
        if !wanted.is_empty() && operations.len() != wanted.len() {
            bail!("{} operations were wanted, the model has {} of them", wanted.len(), operations.len());
        }
        let names: Vec<&str> = operations.iter().map(|operation| operation.name.as_str()).collect();
        let errors = names.iter().flat_map(|name| all[*name]["errors"].as_array().into_iter().flatten());
        let shapes = model["shapes"].as_object().context("no shapes")?;
        let faults = errors.map(|error| fault(text(error, "shape"), shapes)).collect();
        let mut reached = BTreeMap::new();
        let mut inputs = BTreeMap::new();
        for operation in &operations {
            if let Some(input) = &operation.input {
                reach(input, shapes, &mut inputs)?;
            }
        }
        for shape in operations.iter().flat_map(|operation| operation.input.iter().chain(&operation.output)) {
            reach(shape, shapes, &mut reached)?;
        }
        let api_version = text(metadata, "apiVersion").to_owned();
        Ok(Self {
            name: name.to_owned(),
            id: text(metadata, "serviceId").to_owned(),
            signing_name: or(text(metadata, "signingName"), text(metadata, "endpointPrefix")),
            protocol,
            target_prefix: text(metadata, "targetPrefix").to_owned(),
            xml_namespace: text(metadata, "xmlNamespace").to_owned(),
            api_version,
            operations,
            shapes: reached,
            faults,
            inputs: inputs.into_keys().collect(),
        })
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn or(first: &str, second: &str) -> String {
    if first.is_empty() { second.to_owned() } else { first.to_owned() }
}

fn operation(value: &Value) -> Operation {
    let http = &value["http"];
    let shape = |of: &str| value[of]["shape"].as_str().map(str::to_owned);
    Operation {
        name: text(value, "name").to_owned(),
        method: text(http, "method").to_owned(),
        path: text(http, "requestUri").to_owned(),
        status: http["responseCode"].as_u64().unwrap_or(200),
        input: shape("input"),
        output: shape("output"),
        wrapper: text(&value["output"], "resultWrapper").to_owned(),
    }
}

fn fault(name: &str, shapes: &Map<String, Value>) -> (String, (String, u64)) {
    let error = &shapes[name]["error"];
    let status = error["httpStatusCode"].as_u64().unwrap_or(400);
    (name.to_owned(), (or(text(error, "code"), name), status))
}

/// Adds the shape and what is inside of it.
fn reach(name: &str, shapes: &Map<String, Value>, found: &mut BTreeMap<String, Shape>) -> Result<()> {
    if found.contains_key(name) {
        return Ok(());
    }
    let source = shapes.get(name).with_context(|| format!("there is no shape {name}"))?;
    let shape = shape(name, source, shapes)?;
    let inside: Vec<String> = match &shape {
        Shape::Structure(members) => members.iter().map(|member| member.shape.clone()).collect(),
        Shape::List { member, .. } => vec![member.clone()],
        Shape::Map { key, value } => vec![key.clone(), value.clone()],
        _ => Vec::new(),
    };
    found.insert(name.to_owned(), shape);
    inside.iter().try_for_each(|inner| reach(inner, shapes, found))
}

fn shape(name: &str, source: &Value, shapes: &Map<String, Value>) -> Result<Shape> {
    let range =
        |default: u64| (source["min"].as_u64().unwrap_or(0), source["max"].as_u64().unwrap_or(default));
    Ok(match text(source, "type") {
        "structure" => Shape::Structure(members(source)?),
        "list" => {
            let (least, most) = range(u64::from(u32::MAX));
            Shape::List {
                member: text(&source["member"], "shape").to_owned(),
                item_name: or(text(&source["member"], "locationName"), "member"),
                is_flat: source["flattened"].as_bool().unwrap_or(false),
                least,
                most,
            }
        }
        "map" => Shape::Map {
            key: text(&source["key"], "shape").to_owned(),
            value: text(&source["value"], "shape").to_owned(),
        },
        "string" => {
            let (least, most) = range(u64::from(u32::MAX));
            let values = source["enum"].as_array().into_iter().flatten();
            let values = values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
            Shape::Text { least, most, pattern: text(source, "pattern").to_owned(), values }
        }
        "integer" => Shape::Integer {
            least: source["min"].as_i64().unwrap_or(i64::from(i32::MIN)),
            most: source["max"].as_i64().unwrap_or(i64::from(i32::MAX)),
        },
        "long" => Shape::Long {
            least: source["min"].as_i64().unwrap_or(i64::MIN),
            most: source["max"].as_i64().unwrap_or(i64::MAX),
        },
        "boolean" => Shape::Boolean,
        "timestamp" => Shape::Time(match text(source, "timestampFormat") {
            "iso8601" => "Iso8601",
            "unixTimestamp" | "" => "Unset",
            other => bail!("shape {name}: no time format {other}"),
        }),
        other => bail!("shape {name} of {} shapes: there is no kind {other}", shapes.len()),
    })
}

fn members(source: &Value) -> Result<Vec<Member>> {
    let required: Vec<&str> =
        source["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let members = source["members"].as_object().into_iter().flatten();
    members
        .map(|(name, member)| {
            let place = match text(member, "location") {
                "" => "Body",
                "uri" => "Label",
                "querystring" => "Query",
                other => bail!("member {name}: no place {other}"),
            };
            // The codec of ec2 makes names in forms from those in answers.
            if !text(member, "queryName").is_empty() {
                bail!("member {name}: it has a name of its own in forms");
            }
            Ok(Member {
                name: name.clone(),
                wire: or(text(member, "locationName"), name),
                shape: text(member, "shape").to_owned(),
                place,
                is_required: required.contains(&name.as_str()),
            })
        })
        .collect()
}
