//! Which files belong together, and how one finds another.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Component, Path, PathBuf},
};

use super::{
    kind::{Document, Kind},
    node::Node,
    reference,
    source::Source,
    template,
};

/// Documents that describe one system: those of a plan, in its order, or those of a folder.
pub(super) struct Scope<'a> {
    documents: Vec<&'a Document<'a>>,
    /// Everything else that was given: found by its name only, and only if one thing has it.
    elsewhere: Vec<&'a Document<'a>>,
    /// Whether a plan says that this is all, and in which order it is made.
    pub(super) planned: bool,
    outputs: HashMap<String, Vec<&'a Document<'a>>>,
}

impl<'a> Scope<'a> {
    pub(super) fn all(sources: &'a [Source], documents: &'a [Document<'a>]) -> Vec<Self> {
        let plans: Vec<_> = documents.iter().filter(|d| d.kind == Kind::Plan).collect();
        let mut outputs: HashMap<String, Vec<&Document<'_>>> = HashMap::new();
        let mut groups: Vec<(bool, Vec<&Document<'_>>)> = Vec::new();
        for plan in &plans {
            let mut group = Vec::new();
            for step in plan.node.elements() {
                let Some(source) = planned_file(&plan.node, &step)
                    .and_then(|file| sources.iter().find(|s| normal(&s.path) == file))
                else {
                    continue;
                };
                let of_step = documents
                    .iter()
                    .filter(|d| std::ptr::eq(d.node.source, source));
                for document in of_step {
                    group.push(document);
                    let names = step.get("output").and_then(|o| o.value.as_object());
                    for name in names.into_iter().flat_map(serde_json::Map::keys) {
                        outputs.entry(name.clone()).or_default().push(document);
                    }
                }
            }
            groups.push((true, group));
        }
        let in_plan = |d: &&Document<'_>| {
            groups
                .iter()
                .any(|(_, g)| g.iter().any(|p| std::ptr::eq(*p, *d)))
        };
        let mut folders: BTreeMap<&Path, Vec<&Document<'_>>> = BTreeMap::new();
        for document in documents
            .iter()
            .filter(|d| !in_plan(d) && d.kind != Kind::Plan)
        {
            folders
                .entry(document.node.source.folder())
                .or_default()
                .push(document);
        }
        groups.extend(folders.into_values().map(|group| (false, group)));
        let groups = groups.into_iter().map(|(planned, group)| Self {
            elsewhere: documents
                .iter()
                .filter(|d| !group.iter().any(|own| std::ptr::eq(*own, *d)))
                .collect(),
            documents: group,
            planned,
            outputs: outputs.clone(),
        });
        groups.collect()
    }

    /// The documents of that kind, in the order of the plan if there is one.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Document<'a>> {
        self.documents
            .iter()
            .copied()
            .filter(move |d| d.kind == kind)
    }

    pub(super) fn any(&self, kind: Kind) -> bool {
        self.of(kind).next().is_some()
    }

    /// The document of that kind which `node`, a text in some file, means. Nothing when it is not
    /// among the files, or when it cannot be told which one it is.
    pub(super) fn find(&self, kind: Kind, node: &Node<'_>) -> Option<&'a Document<'a>> {
        let text = node.text()?;
        if let Some(name) = template::variable(text) {
            return self.find_variable(kind, name);
        }
        let means = |d: &&Document<'_>| d.kind == kind && reference::means(d, kind, text);
        let mut own = self.documents.iter().copied().filter(means).peekable();
        if own.peek().is_some() {
            // Without a plan, two of one name are for two environments: nobody knows which.
            return if self.planned { own.next() } else { only(own) };
        }
        only(self.elsewhere.iter().copied().filter(means))
    }

    /// Whether two texts mean the same object.
    pub(super) fn same(&self, kind: Kind, one: &Node<'_>, other: &Node<'_>) -> bool {
        if one.text().is_some() && one.text() == other.text() {
            return true;
        }
        match (self.find(kind, one), self.find(kind, other)) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            _ => false,
        }
    }

    /// When the document is made, if a plan says so.
    pub(super) fn order(&self, document: &Document<'_>) -> Option<usize> {
        let place = self
            .documents
            .iter()
            .position(|d| std::ptr::eq(*d, document));
        place.filter(|_| self.planned)
    }

    fn find_variable(&self, kind: Kind, name: &str) -> Option<&'a Document<'a>> {
        let produced = self.outputs.get(name).into_iter().flatten().copied();
        let produced: Vec<_> = produced.filter(|d| d.kind == kind).collect();
        let own = produced
            .iter()
            .find(|d| self.documents.iter().any(|o| std::ptr::eq(*o, **d)));
        if let Some(own) = own {
            return Some(own);
        }
        if !produced.is_empty() {
            return only(produced.into_iter());
        }
        let named = |d: &&Document<'_>| d.kind == kind && reference::is_named_after(d, name);
        only(self.documents.iter().copied().filter(named))
    }
}

/// The file a step of a plan means, relative to where the sources' paths are.
pub(super) fn planned_file(plan: &Node<'_>, step: &Node<'_>) -> Option<PathBuf> {
    let file = step.text_at("file")?;
    Some(normal(&plan.source.folder().join(file)))
}

/// The path without `.` and `..`, as far as that can be told without looking at the disk.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::Normal(_))) =>
            {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
