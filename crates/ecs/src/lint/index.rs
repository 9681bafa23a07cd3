//! Documents by their kind, their name and their file, so that none has to be looked for.

use std::collections::HashMap;

use super::{
    kind::{Document, Kind},
    reference,
};

/// Documents, found by what is said of them.
pub(super) struct Index<'a> {
    kinds: HashMap<Kind, Vec<&'a Document<'a>>>,
    /// By kind and what they call themselves.
    names: HashMap<(Kind, &'a str), Vec<&'a Document<'a>>>,
    /// By kind and how AWS describes them.
    arns: HashMap<(Kind, &'a str), Vec<&'a Document<'a>>>,
    /// By kind and the file's name.
    files: HashMap<(Kind, String), Vec<&'a Document<'a>>>,
    positions: HashMap<*const Document<'a>, usize>,
}

impl<'a> Index<'a> {
    pub(super) fn new(documents: impl Iterator<Item = &'a Document<'a>>) -> Self {
        let mut index = Self {
            kinds: HashMap::new(),
            names: HashMap::new(),
            arns: HashMap::new(),
            files: HashMap::new(),
            positions: HashMap::new(),
        };
        for (position, document) in documents.enumerate() {
            let kind = document.kind;
            index.kinds.entry(kind).or_default().push(document);
            index.positions.entry(document).or_insert(position);
            if let Some(name) = reference::own_name(document) {
                index.names.entry((kind, name)).or_default().push(document);
            }
            if let Some(arn) = reference::arn(document) {
                index.arns.entry((kind, arn)).or_default().push(document);
            }
            let file = (kind, reference::file_as_variable(document));
            index.files.entry(file).or_default().push(document);
        }
        index
    }

    /// Those of that kind.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Document<'a>> + use<'a> {
        let of_kind = self.kinds.get(&kind).cloned().unwrap_or_default();
        of_kind.into_iter()
    }

    /// Those of that kind that `text`, which has no variable, means: in the order of the documents, those
    /// with that ARN before those with that name.
    pub(super) fn meant<'b>(
        &'b self,
        kind: Kind,
        text: &'b str,
    ) -> impl Iterator<Item = &'a Document<'a>> + use<'a, 'b> {
        let name = reference::name(kind, text);
        let by_arn = self.arns.get(&(kind, text)).into_iter().flatten();
        let by_arn = by_arn.filter(move |d| name.is_none() || reference::own_name(d) != name);
        let by_name = name.and_then(|name| self.names.get(&(kind, name)));
        by_arn.chain(by_name.into_iter().flatten()).copied()
    }

    /// Those of that kind whose file has the name that `${NAME}` leads to.
    pub(super) fn named_after(
        &self,
        kind: Kind,
        name: &str,
    ) -> impl Iterator<Item = &'a Document<'a>> {
        let file = (kind, reference::without_ending(name).to_owned());
        self.files.get(&file).into_iter().flatten().copied()
    }

    /// Its place among all.
    pub(super) fn position(&self, document: &Document<'_>) -> Option<usize> {
        let document: *const Document<'_> = document;
        self.positions.get(&document.cast()).copied()
    }
}
