//! Which files belong together, and how one finds another.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, HashMap, HashSet},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use super::{
    index::Index,
    kind::{Document, Kind},
    node::Node,
    reference,
    routing::Routing,
    source::Source,
    template,
};

/// Documents that describe one system: those of a plan, in its order, or those of a folder.
pub(super) struct Scope<'a> {
    own: Index<'a>,
    /// Everything that was given: what is not in the scope is found by its name only, and only if one thing
    /// has it.
    everything: Rc<Index<'a>>,
    /// Whether a plan says that this is all, and in which order it is made.
    pub(super) planned: bool,
    outputs: Rc<Outputs<'a>>,
    /// What a variable turned out to mean.
    variables: RefCell<HashMap<(Kind, &'a str), Option<&'a Document<'a>>>>,
    routing: OnceCell<Routing<'a>>,
    names: RefCell<HashMap<Kind, Rc<HashSet<&'a str>>>>,
    instances: OnceCell<Option<i64>>,
}

/// The sources that give a variable its value, and what is in each of them.
struct Outputs<'a> {
    sources: HashMap<&'a str, Vec<*const Source>>,
    documents: HashMap<*const Source, Vec<&'a Document<'a>>>,
}

/// What two texts have in common that mean the same object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Identity<'a> {
    /// It is among the files.
    Document(*const Document<'a>),
    /// It is not.
    Text(&'a str),
}

impl<'a> Scope<'a> {
    pub(super) fn all(sources: &'a [Source], documents: &'a [Document<'a>]) -> Vec<Self> {
        let mut by_path: HashMap<PathBuf, &'a Source> = HashMap::new();
        for source in sources {
            by_path.entry(normal(&source.path)).or_insert(source);
        }
        let mut of_source: HashMap<*const Source, Vec<&'a Document<'a>>> = HashMap::new();
        for document in documents {
            let source = std::ptr::from_ref(document.node.source);
            of_source.entry(source).or_default().push(document);
        }
        let mut outputs: HashMap<&'a str, Vec<*const Source>> = HashMap::new();
        let mut groups: Vec<(bool, Vec<&'a Document<'a>>)> = Vec::new();
        let mut planned: HashSet<*const Document<'a>> = HashSet::new();
        for plan in documents.iter().filter(|d| d.kind == Kind::Plan) {
            let mut group = Vec::new();
            let mut taken = HashSet::new();
            for step in plan.node.elements() {
                let file = planned_file(&plan.node, &step);
                let Some(source) = file.and_then(|file| by_path.get(&file).copied()) else {
                    continue;
                };
                let source = std::ptr::from_ref(source);
                // A file that is in a plan twice is the same file.
                if taken.insert(source) {
                    group.extend(of_source.get(&source).into_iter().flatten().copied());
                }
                let names = step.get("output").and_then(|o| o.value.as_object());
                for name in names.into_iter().flat_map(serde_json::Map::keys) {
                    outputs.entry(name).or_default().push(source);
                }
            }
            planned.extend(group.iter().map(|document| std::ptr::from_ref(*document)));
            groups.push((true, group));
        }
        let mut folders: BTreeMap<&Path, Vec<&'a Document<'a>>> = BTreeMap::new();
        for document in documents {
            if document.kind != Kind::Plan && !planned.contains(&std::ptr::from_ref(document)) {
                let folder = folders.entry(document.node.source.folder());
                folder.or_default().push(document);
            }
        }
        groups.extend(folders.into_values().map(|group| (false, group)));
        let everything = Rc::new(Index::new(documents.iter()));
        let outputs = Rc::new(Outputs {
            sources: outputs,
            documents: of_source,
        });
        let groups = groups.into_iter().map(|(planned, group)| Self {
            own: Index::new(group.iter().copied()),
            everything: Rc::clone(&everything),
            planned,
            outputs: Rc::clone(&outputs),
            variables: RefCell::default(),
            routing: OnceCell::new(),
            names: RefCell::default(),
            instances: OnceCell::new(),
        });
        groups.collect()
    }

    /// The documents of that kind, in the order of the plan if there is one.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Document<'a>> {
        self.own.of(kind)
    }

    pub(super) fn any(&self, kind: Kind) -> bool {
        self.of(kind).next().is_some()
    }

    /// What the documents of that kind call themselves.
    pub(super) fn names(&self, kind: Kind) -> Rc<HashSet<&'a str>> {
        let mut names = self.names.borrow_mut();
        let own = names.entry(kind).or_insert_with(|| {
            let own = self.of(kind).filter_map(reference::own_name);
            Rc::new(own.collect())
        });
        Rc::clone(own)
    }

    /// How many instances the groups have together, where any says.
    pub(super) fn instances(&self) -> Option<i64> {
        *self.instances.get_or_init(|| {
            let groups = self.of(Kind::AutoScalingGroup);
            let instances = groups.filter_map(|group| {
                let least = group.node.whole_at("MinSize").unwrap_or(0);
                let desired = group.node.whole_at("DesiredCapacity").unwrap_or(0);
                Some(desired.max(least)).filter(|n| *n > 0)
            });
            instances.reduce(i64::saturating_add)
        })
    }

    /// Which listener and rule leads where.
    pub(super) fn routing(&self) -> &Routing<'a> {
        self.routing.get_or_init(|| Routing::new(self))
    }

    /// The document of that kind which `node`, a text in some file, means. Nothing when it is not
    /// among the files, or when it cannot be told which one it is.
    pub(super) fn find(&self, kind: Kind, node: &Node<'a>) -> Option<&'a Document<'a>> {
        let text = node.text()?;
        if let Some(name) = template::variable(text) {
            if let Some(known) = self.variables.borrow().get(&(kind, name)) {
                return *known;
            }
            let found = self.find_variable(kind, name);
            self.variables.borrow_mut().insert((kind, name), found);
            return found;
        }
        let mut own = self.own.meant(kind, text).peekable();
        if own.peek().is_some() {
            // Without a plan, two of one name are for two environments: nobody knows which.
            return if self.planned { own.next() } else { only(own) };
        }
        // None of these is in the scope, where there is none of that name.
        only(self.everything.meant(kind, text))
    }

    /// What `node` means, for comparing it with what other texts mean; nothing when it is no text.
    pub(super) fn identity(&self, kind: Kind, node: &Node<'a>) -> Option<Identity<'a>> {
        let text = node.text()?;
        let found = self.find(kind, node).map(std::ptr::from_ref);
        Some(found.map_or(Identity::Text(text), Identity::Document))
    }

    /// When the document is made, if a plan says so.
    pub(super) fn order(&self, document: &Document<'_>) -> Option<usize> {
        self.own.position(document).filter(|_| self.planned)
    }

    fn find_variable(&self, kind: Kind, name: &str) -> Option<&'a Document<'a>> {
        let sources = self.outputs.sources.get(name).into_iter().flatten();
        let produced = sources.filter_map(|source| self.outputs.documents.get(source));
        let produced = produced.flatten().copied();
        let mut produced = produced.filter(|d| d.kind == kind).peekable();
        if produced.peek().is_some() {
            let produced: Vec<_> = produced.collect();
            let mut own = produced.iter().copied();
            return { own.find(|d| self.own.position(d).is_some()) }
                .or_else(|| only(produced.into_iter()));
        }
        only(self.own.named_after(kind, name))
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
