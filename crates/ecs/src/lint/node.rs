//! A value in a file and the way to it: asks what it needs and takes no offence at the rest.

use serde_json::Value;

use super::{path::Path, position::Place, source::Source, template};

/// A JSON value, its path, and the file it is in.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) source: &'a Source,
    pub(super) value: &'a Value,
    pub(super) path: Path<'a>,
}

impl<'a> Node<'a> {
    /// The member of that name; `null` counts as absent. A first letter in the other case is taken
    /// as well: one half of AWS writes `containerPort`, the other half `ContainerPort`.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let object = self.value.as_object()?;
        let (key, value) = object
            .get_key_value(key)
            .or_else(|| object.get_key_value(&flipped(key)))?;
        (!value.is_null()).then(|| Node {
            source: self.source,
            value,
            path: self.path.member(key),
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The member of that name, or this node itself: the place to point at when it is missing.
    pub(super) fn get_or_self(&self, key: &str) -> Node<'a> {
        self.get(key).unwrap_or_else(|| self.clone())
    }

    /// The elements of the list of that name; none when there is no such list.
    pub(super) fn items(&self, key: &str) -> Vec<Node<'a>> {
        self.get(key)
            .map(|node| node.elements())
            .unwrap_or_default()
    }

    /// The elements of this list; none when it is not one.
    pub(super) fn elements(&self) -> Vec<Node<'a>> {
        let elements = self.value.as_array().into_iter().flatten().enumerate();
        elements
            .map(|(index, value)| Node {
                source: self.source,
                value,
                path: self.path.element(index),
            })
            .collect()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text, unless it holds a variable that is filled in later.
    pub(super) fn literal(&self) -> Option<&'a str> {
        self.text().filter(|text| !template::is_template(text))
    }

    /// A whole number, also one written as text.
    pub(super) fn whole(&self) -> Option<i64> {
        self.value
            .as_i64()
            .or_else(|| self.text()?.trim().parse().ok())
    }

    pub(super) fn text_at(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }

    pub(super) fn literal_at(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.literal()
    }

    pub(super) fn whole_at(&self, key: &str) -> Option<i64> {
        self.get(key)?.whole()
    }

    pub(super) fn flag_at(&self, key: &str) -> Option<bool> {
        self.get(key)?.value.as_bool()
    }

    /// Line and column, from 1.
    pub(super) fn place(&self) -> Place {
        self.source.place(&self.path)
    }
}

fn flipped(key: &str) -> String {
    let mut chars = key.chars();
    match chars.next() {
        Some(first) if first.is_ascii_uppercase() => {
            first.to_ascii_lowercase().to_string() + chars.as_str()
        }
        Some(first) => first.to_ascii_uppercase().to_string() + chars.as_str(),
        None => String::new(),
    }
}
