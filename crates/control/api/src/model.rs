//! What the tables of a service mean.

/// One service.
#[derive(Debug)]
pub struct Model {
    /// Folder of the service, as AWS names it: `mq`.
    pub name: &'static str,
    /// Name of the service in SDKs.
    pub id: &'static str,
    /// Date of the API.
    pub api_version: &'static str,
    /// Name of the service in a signature's scope.
    pub signing_name: &'static str,
    /// How it is spoken.
    pub protocol: Protocol,
    /// Before the dot in `X-Amz-Target`; empty where there is none.
    pub target_prefix: &'static str,
    /// Namespace of XML answers; empty where there is none.
    pub xml_namespace: &'static str,
    /// What can be asked, by name.
    pub operations: &'static [Operation],
    /// Errors of the model, by name.
    pub faults: &'static [Fault],
}

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// restJson1: method, path, query and a JSON body.
    RestJson,
    /// awsJson: a target header and a JSON body.
    AwsJson,
    /// query: a form in, XML out.
    Query,
    /// ec2: query with names, lists and errors in a form of its own.
    Ec2,
}

impl Protocol {
    /// Whether a request is a form.
    #[must_use]
    pub const fn has_form(self) -> bool {
        matches!(self, Self::Query | Self::Ec2)
    }

    /// Code of the error of a caller that may not do what it asks for.
    #[must_use]
    pub const fn denied_code(self) -> &'static str {
        match self {
            Self::RestJson | Self::AwsJson => "AccessDeniedException",
            Self::Query => "AccessDenied",
            Self::Ec2 => "UnauthorizedOperation",
        }
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// `CreateBroker`.
    pub name: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path with labels in braces.
    pub path: &'static str,
    /// Status of success.
    pub status: u16,
    /// What goes in.
    pub input: Option<&'static Shape>,
    /// What comes out.
    pub output: Option<&'static Shape>,
    /// Element around the output in XML; empty where there is none.
    pub wrapper: &'static str,
}

/// An error of the model.
#[derive(Debug)]
pub struct Fault {
    /// Name of the shape.
    pub name: &'static str,
    /// Its code on the wire.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
}

/// Type of a value.
#[derive(Debug)]
pub enum Shape {
    /// Members by name.
    Structure(&'static [Member]),
    /// Values of one type.
    List {
        /// Type of an item.
        member: &'static Shape,
        /// Its name in XML and forms.
        item_name: &'static str,
        /// Whether items stand without an element or a name around them.
        is_flat: bool,
        /// Least count.
        least: u32,
        /// Most.
        most: u32,
    },
    /// Values by key.
    Map {
        /// Type of a key.
        key: &'static Shape,
        /// Type of a value.
        value: &'static Shape,
    },
    /// Text.
    Text {
        /// Least length in characters.
        least: u32,
        /// Most.
        most: u32,
        /// Regular expression for the whole text, as documentation: the operation checks it in its own words.
        pattern: &'static str,
        /// The values of an enumeration; empty: any.
        values: &'static [&'static str],
    },
    /// A whole number.
    Integer {
        /// Least value.
        least: i32,
        /// Most.
        most: i32,
    },
    /// A whole number of 64 bits.
    Long {
        /// Least value.
        least: i64,
        /// Most.
        most: i64,
    },
    /// True or false.
    Boolean,
    /// A moment.
    Time(TimeFormat),
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// ISO 8601 in every protocol.
    Iso8601,
    /// As the protocol has it: seconds since 1970 in awsJson, ISO 8601 in query.
    Unset,
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Name in SDKs.
    pub name: &'static str,
    /// Name on the wire.
    pub wire: &'static str,
    /// Type.
    pub shape: &'static Shape,
    /// Where in a request it stands.
    pub place: Place,
    /// Whether it must be there.
    pub is_required: bool,
}

/// Where in a request a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the body.
    Body,
    /// In the path.
    Label,
    /// In the query.
    Query,
}

pub(crate) const fn body(name: &'static str, wire: &'static str, shape: &'static Shape) -> Member {
    Member { name, wire, shape, place: Place::Body, is_required: false }
}

pub(crate) const fn label(name: &'static str, wire: &'static str, shape: &'static Shape) -> Member {
    Member { place: Place::Label, ..body(name, wire, shape) }
}

pub(crate) const fn query(name: &'static str, wire: &'static str, shape: &'static Shape) -> Member {
    Member { place: Place::Query, ..body(name, wire, shape) }
}

impl Member {
    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}

impl Model {
    /// The operation of that name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The error of that name.
    #[must_use]
    pub fn fault(&self, name: &str) -> Option<&'static Fault> {
        self.faults.iter().find(|fault| fault.name == name)
    }
}

impl Shape {
    /// The members of a structure; of anything else none.
    #[must_use]
    pub fn members(&self) -> &'static [Member] {
        if let Self::Structure(members) = self { members } else { &[] }
    }
}
