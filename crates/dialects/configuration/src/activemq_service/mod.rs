//! ActiveMQ's configuration as the managed service takes it: the vendor's XML, of which a part is permitted.
//!
//! What is not permitted, or has a value that is not, is cut out of the text and told ([`Removals`]); nothing is written
//! anew, so comments, order and layout of the rest stay, and what comes out goes in again unchanged. Broken XML, another root
//! element, a document type declaration or a text past a limit is [`Unusable`] as a whole.
//!
//! Owns: the tables of permitted elements, attributes and nesting ([`broker()`]), the types of values, the tree of what passed
//! ([`Settings`]). Must not know: brokers, revisions, what a setting does.

mod broker;
mod declared;
mod default;
mod policies;
mod sanitiser;
mod settings;
mod shape;
mod values;
mod without;

use std::fmt;

pub use declared::{Attribute, Element, Kind, Property, Since};
pub use default::default_text;
pub use settings::{Authorization, DestinationKind, Object, Settings};
pub use values::Value;
pub use without::{Notice, without_effect};

use crate::{MAX_TEXT_BYTES, removed::Removals, version::Version};

/// Deepest nesting of elements (guarantees, section 6).
pub const MAX_DEPTH: usize = 32;
/// Most elements of a text.
pub const MAX_ELEMENTS: usize = 20_000;
/// Most attributes of an element; no permitted one has half as many.
pub const MAX_ATTRIBUTES: usize = 256;
/// Most declarations of namespaces in a text; one is needed.
pub const MAX_NAMESPACES: usize = 16;
/// Most parts of a text altogether: elements, comments, texts between them.
const MAX_NODES: u32 = 100_000;

/// The namespace of the vendor's elements.
pub const NAMESPACE: &str = "http://activemq.apache.org/schema/core";

/// Who knows the users of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The broker itself.
    Simple,
    /// A directory.
    Ldap,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Letter of the line, from 1.
    pub column: usize,
}

impl Position {
    fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text of which nothing can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not text.
    #[error("the configuration is not UTF-8 (byte {offset})")]
    NotUtf8 {
        /// First byte that is wrong, from 0.
        offset: usize,
    },
    /// It is longer than [`MAX_TEXT_BYTES`].
    #[error("the configuration has {bytes} bytes; at most {MAX_TEXT_BYTES} are taken")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It has more of something than is taken.
    #[error("{position}: there are too many {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The first that is too many.
        position: Position,
    },
    /// It has a document type declaration, with which entities would come.
    #[error("{position}: document type declarations are not taken")]
    Doctype {
        /// Where it is.
        position: Position,
    },
    /// It is not XML.
    #[error("{position}: the XML is broken: {problem}")]
    Broken {
        /// Where the reader noticed it.
        position: Position,
        /// What is wrong, with at most 64 escaped bytes of the text.
        problem: String,
    },
    /// Its root is something else.
    #[error("the root element is {name}, not broker of {NAMESPACE}")]
    OtherRoot {
        /// Name of the root, quoted, escaped and cut at 64 bytes.
        name: String,
    },
}

/// A configuration after everything that is not permitted was taken out.
#[derive(Clone, Debug, PartialEq)]
pub struct Sanitised {
    /// Its text.
    pub text: String,
    /// What was taken out.
    pub removals: Removals,
    /// What it sets.
    pub settings: Settings,
}

/// Takes out of a configuration what a broker of this version and strategy may not have.
///
/// # Errors
/// [`Unusable`] for the text as a whole.
pub fn sanitise(bytes: &[u8], version: Version, strategy: Strategy) -> Result<Sanitised, Unusable> {
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(Unusable::TooLong { bytes: bytes.len() });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| Unusable::NotUtf8 { offset: error.valid_up_to() })?;
    shape::check(text)?;
    let options = roxmltree::ParsingOptions { nodes_limit: MAX_NODES, ..Default::default() };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| broken(text, &error))?;
    let root = document.root_element();
    if root.tag_name().namespace() != Some(NAMESPACE) || root.tag_name().name() != broker::BROKER.name {
        return Err(Unusable::OtherRoot { name: ternmq_stdx::quoted(root.tag_name().name()).to_string() });
    }
    Ok(sanitiser::run(text, root, version, strategy))
}

fn broken(text: &str, error: &roxmltree::Error) -> Unusable {
    use roxmltree::Error;
    let position = match error {
        // these know no place: they were noticed at the end
        Error::NoRootNode | Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            Position::of(text, text.len())
        }
        Error::NodesLimitReached => {
            let position = Position::of(text, text.len());
            return Unusable::TooMuch { what: "elements, comments and texts", position };
        }
        _ => {
            let at = error.pos();
            Position { line: at.row as usize, column: at.col as usize }
        }
    };
    let told = error.to_string();
    // the place is told in our own form
    let bare = told.strip_suffix(&format!(" at {}", error.pos())).unwrap_or(&told);
    // the reader's own quotes around names may stay: the sentence is not quoted again
    let problem = ternmq_stdx::shown(bare).to_string().replace("\\'", "'");
    Unusable::Broken { position, problem }
}

/// The element `broker`, with everything that is permitted in it.
#[must_use]
pub fn broker() -> &'static Element {
    &broker::BROKER
}

#[cfg(test)]
mod tests;
