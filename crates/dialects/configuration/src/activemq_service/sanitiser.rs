//! The walk through the elements: what passes becomes settings, what does not becomes a cut.

use std::ops::Range;

use roxmltree::Node;

use super::{
    NAMESPACE, Sanitised, Strategy,
    broker::BROKER,
    declared::{Element, Property, Since},
    settings::{Object, Settings},
    shape::Tag,
    values,
};
use crate::{removed::Removals, version::Version};

/// How text between elements is told.
const TEXT: &str = "#text";

pub(super) fn run(text: &str, root: Node<'_, '_>, version: Version, strategy: Strategy) -> Sanitised {
    let mut walk = Walk { text, version, strategy, removals: Removals::default(), cuts: Vec::new() };
    let settings = Settings::new(walk.object(root, &BROKER));
    Sanitised { text: walk.rest(), removals: walk.removals, settings }
}

struct Walk<'a> {
    text: &'a str,
    version: Version,
    strategy: Strategy,
    removals: Removals,
    /// What leaves the text, in its order.
    cuts: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    /// An element that stands for an object. Nesting is limited, so the walk may follow it.
    fn object(&mut self, node: Node<'_, '_>, element: &'static Element) -> Object {
        let mut object = Object::new(element.name);
        for attribute in node.attributes() {
            let is_plain = attribute.namespace().is_none();
            let declared = element.attributes.iter().find(|declared| {
                is_plain && declared.name == attribute.name() && self.is_since(declared.since)
            });
            let value = declared.map(|declared| (declared, values::read(declared.kind, attribute.value())));
            match value {
                Some((declared, Some(value))) => object.set(declared.name, value),
                Some((declared, None)) => {
                    self.removals.value(element.name, declared.name);
                    self.cut_attribute(attribute.range());
                }
                None => {
                    self.removals.attribute(element.name, attribute.name());
                    self.cut_attribute(attribute.range());
                }
            }
        }
        self.children(node, |walk, child, name| {
            let property = element.properties.iter().find(|property| Some(property.name) == name);
            property.map(|property| {
                let values = walk.property(child, property);
                object.add(property.name, values);
            })
        });
        object
    }

    /// An element that stands for a property.
    fn property(&mut self, node: Node<'_, '_>, property: &'static Property) -> Vec<Object> {
        for attribute in node.attributes() {
            self.removals.attribute(property.name, attribute.name());
            self.cut_attribute(attribute.range());
        }
        let mut objects = Vec::new();
        self.children(node, |walk, child, name| {
            let element = property.elements.iter().find(|element| Some(element.name) == name)?;
            if !walk.is_since(element.since) || (element.is_of_ldap && walk.strategy != Strategy::Ldap) {
                return None;
            }
            objects.push(walk.object(child, element));
            Some(())
        });
        objects
    }

    /// Offers each element in a node, with its name if it is one of the vendor's; what is not taken is cut out, as is text
    /// between the elements.
    fn children(
        &mut self,
        node: Node<'_, '_>,
        mut take: impl FnMut(&mut Self, Node<'_, '_>, Option<&str>) -> Option<()>,
    ) {
        let range = node.range();
        // a node is there only because its tag was read
        let Some(tag) = Tag::read(self.text.as_bytes(), range.start) else { return };
        let mut at = tag.end;
        for child in node.children().filter(|child| !child.is_text()) {
            self.cut_text(at..child.range().start);
            at = child.range().end;
            if !child.is_element() {
                continue;
            }
            let name = child.tag_name();
            let of_vendor = (name.namespace() == Some(NAMESPACE)).then(|| name.name());
            if take(self, child, of_vendor).is_none() {
                self.removals.element(name.name());
                self.cut_element(child.range());
            }
        }
        if !tag.is_empty {
            let source = self.text.get(range.clone()).unwrap_or_default();
            let end = source.rfind("</").map_or(range.end, |offset| range.start + offset);
            self.cut_text(at..end);
        }
    }

    fn is_since(&self, since: Since) -> bool {
        self.version.is_at_least(since.0, since.1, since.2)
    }

    fn cut_text(&mut self, range: Range<usize>) {
        let source = self.text.get(range.clone()).unwrap_or_default();
        let inner = source.trim_ascii();
        if !inner.is_empty() {
            self.removals.element(TEXT);
            let start = range.start + (source.len() - source.trim_ascii_start().len());
            self.cuts.push(start..start + inner.len());
        }
    }

    /// With the white space before it, if its neighbour behind it keeps some.
    fn cut_attribute(&mut self, range: Range<usize>) {
        let is_followed =
            self.byte(range.end).is_some_and(|next| next.is_ascii_whitespace() || b"/>".contains(&next));
        let before = self.text.get(..range.start).unwrap_or_default();
        let start = if is_followed { before.trim_ascii_end().len() } else { range.start };
        self.cuts.push(start..range.end);
    }

    /// With its lines, if nothing else is on them.
    fn cut_element(&mut self, range: Range<usize>) {
        let is_blank = |letter: char| letter == ' ' || letter == '\t';
        let before = self.text.get(..range.start).unwrap_or_default().trim_end_matches(is_blank);
        let behind = self.text.get(range.end..).unwrap_or_default();
        let after = behind.trim_start_matches(is_blank);
        let line_end = if after.starts_with("\r\n") { 2 } else { usize::from(after.starts_with('\n')) };
        if before.ends_with('\n') && line_end > 0 {
            self.cuts.push(before.len()..range.end + (behind.len() - after.len()) + line_end);
        } else {
            self.cuts.push(range);
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The text without the cuts.
    fn rest(&self) -> String {
        let mut rest = String::with_capacity(self.text.len());
        let mut at = 0;
        for cut in &self.cuts {
            rest.push_str(self.text.get(at..cut.start).unwrap_or_default());
            at = at.max(cut.end);
        }
        rest.push_str(self.text.get(at..).unwrap_or_default());
        rest
    }
}
