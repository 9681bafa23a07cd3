//! The way from the top of a file to one of its values.

use std::rc::Rc;

/// A path. To go on from one costs the same however long it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Path<'a>(Option<Rc<Step<'a>>>);

#[derive(Debug)]
struct Step<'a> {
    before: Path<'a>,
    part: Part<'a>,
}

/// One step of the way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Member(&'a str),
    Element(usize),
}

/// A path in a finding is not longer than this many bytes, but for what tells that it is cut.
const MOST: usize = 1_000;

impl<'a> Path<'a> {
    pub(super) fn member(&self, key: &'a str) -> Self {
        self.then(Part::Member(key))
    }

    pub(super) fn element(&self, index: usize) -> Self {
        self.then(Part::Element(index))
    }

    fn then(&self, part: Part<'a>) -> Self {
        Self(Some(Rc::new(Step {
            before: self.clone(),
            part,
        })))
    }

    /// From the top.
    pub(super) fn parts(&self) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut at = self;
        while let Some(step) = &at.0 {
            parts.push(step.part);
            at = &step.before;
        }
        parts.reverse();
        parts
    }

    /// For people: `containerDefinitions[1].links[0]`.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for part in self.parts() {
            push(&mut text, part);
            if text.len() > MOST {
                break;
            }
        }
        shortened(&text, MOST)
    }
}

/// From the text of a path to that of the next value.
pub(super) fn push(path: &mut String, part: Part<'_>) {
    match part {
        Part::Member(key) => {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
        }
        Part::Element(index) => path.extend(["[", &index.to_string(), "]"]),
    }
}

/// The text of a path, as short as those of findings.
pub(super) fn cut(path: &str) -> String {
    shortened(path, MOST)
}

/// The first `most` bytes of a text, with a sign that something is left out: what stands in files can be
/// as long as they are, and be told of as often.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.len() > most {
        true => format!("{}…", beginning(text, most)),
        false => text.to_owned(),
    }
}

/// At most `most` bytes of a text.
pub(super) fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}
