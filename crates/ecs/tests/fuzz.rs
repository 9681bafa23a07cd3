//! Layouts, files that are linted, and path patterns, whatever stands in them: an error or an answer, and
//! never an end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bolero::TypeGenerator;
use ecs::Layout;
use ecs::alb::PathPattern;
use ecs::lint::{self, SourceFile};

/// A file of a layout that works, and what is done to it.
#[derive(Clone, Debug, TypeGenerator)]
struct Spoilt {
    file: u16,
    edits: Vec<(u16, Edit)>,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Edit {
    Delete(u8),
    Insert(Token),
    Bytes(Vec<u8>),
    /// Repeats so many bytes from another place.
    Repeat(u16, u8),
}

/// What means something to one parser or another.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Token {
    Open,
    Close,
    Array,
    Quote,
    Null,
    Number,
    Huge,
    Variable,
    Unclosed,
    Up,
    Root,
    Key,
    Surrogate,
    Mark,
    Star,
}

impl Token {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Open => b"{",
            Self::Close => b"}",
            Self::Array => b"[[",
            Self::Quote => b"\"",
            Self::Null => b"null",
            Self::Number => b"-1",
            Self::Huge => b"1e999",
            Self::Variable => b"${A}",
            Self::Unclosed => b"${",
            Self::Up => b"../",
            Self::Root => b"/dev/stdin",
            Self::Key => b"\"name\": \"x\", ",
            Self::Surrogate => b"\\ud800",
            Self::Mark => b"\xef\xbb\xbf",
            Self::Star => b"*?",
        }
    }
}

impl Spoilt {
    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (at, edit) in self.edits.iter().take(8) {
            let at = usize::from(*at) % (bytes.len() + 1);
            match edit {
                Edit::Delete(count) => {
                    bytes.drain(at..(at + usize::from(*count)).min(bytes.len()));
                }
                Edit::Insert(token) => drop(bytes.splice(at..at, token.text().iter().copied())),
                Edit::Bytes(more) => drop(bytes.splice(at..at, more.iter().copied())),
                Edit::Repeat(from, count) => {
                    let from = usize::from(*from) % (bytes.len() + 1);
                    let to = (from + usize::from(*count)).min(bytes.len());
                    let piece = bytes[from..to].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    }
}

/// The files of both layouts, by their paths from `ecs/`.
fn own_files() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs");
    let mut files = Vec::new();
    for folder in ["alb", "common", "ec2", "fargate"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let name = path.strip_prefix(&root).unwrap().to_owned();
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The files that most rules between files are about.
const COMPANY: [&str; 5] = [
    "ec2/plan.json",
    "ec2/node-service.json",
    "ec2/node-task-definition.json",
    "ec2/node-target-group.json",
    "alb/listener-rule-start.json",
];

#[test]
fn fuzz_linted_files() {
    let own = own_files();
    bolero::check!().with_type::<Spoilt>().for_each(|spoilt| {
        let (chosen, bytes) = &own[usize::from(spoilt.file) % own.len()];
        let company = own
            .iter()
            .filter(|(path, _)| COMPANY.iter().any(|name| path.ends_with(name)));
        let mut files: BTreeMap<_, _> = company.cloned().collect();
        files.insert(chosen.clone(), spoilt.apply(bytes));
        let sources: Vec<_> = files
            .iter()
            .map(|(path, bytes)| SourceFile {
                path: path.clone(),
                bytes: bytes.clone(),
            })
            .collect();
        let _ = lint::named_elsewhere(&sources);
        for finding in lint::check(sources).findings {
            // What a plan names need not be there.
            let Some(bytes) = files.get(&finding.file) else {
                continue;
            };
            let text = String::from_utf8_lossy(bytes);
            let line = text.split('\n').nth(finding.line - 1);
            let line = line.unwrap_or_else(|| panic!("beyond the last line: {finding:?}"));
            assert!(
                (1..=line.chars().count() + 1).contains(&finding.column),
                "{finding:?}"
            );
        }
    });
}

#[test]
fn fuzz_layouts() {
    let own = own_files();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz-layouts");
    let _ = fs::remove_dir_all(&root);
    for (path, bytes) in &own {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let plan = own
        .iter()
        .position(|(path, _)| path.ends_with("ec2/plan.json"));
    bolero::check!().with_type::<Spoilt>().for_each(|spoilt| {
        // Every other time the plan, on which everything hangs.
        let chosen = match spoilt.file % 2 {
            0 => plan.unwrap(),
            _ => usize::from(spoilt.file / 2) % own.len(),
        };
        let (path, bytes) = &own[chosen];
        let path = root.join(path);
        fs::write(&path, spoilt.apply(bytes)).unwrap();
        if let Ok(layout) = Layout::read(&root.join("ec2")) {
            let given = layout.variables().into_iter().map(str::to_owned);
            let made = layout.outputs().map(|output| output.name().to_owned());
            let values: BTreeMap<_, _> = given
                .chain(made)
                .map(|name| (name, "a".to_owned()))
                .collect();
            if let Ok(rendered) = layout.render(&values) {
                assert!(rendered.variables().is_empty());
                for listener in rendered.listeners() {
                    let _ = rendered
                        .router(listener)
                        .map(|router| router.route("/").to_owned());
                }
            }
        }
        fs::write(&path, bytes).unwrap();
    });
    fs::remove_dir_all(&root).unwrap();
}

/// Signs that patterns are made of, few of them, so that they match something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TypeGenerator)]
enum Sign {
    A,
    B,
    Slash,
    Any,
    One,
}

fn text(signs: &[Sign]) -> String {
    let sign = |sign: &Sign| match sign {
        Sign::A => 'a',
        Sign::B => 'b',
        Sign::Slash => '/',
        Sign::Any => '*',
        Sign::One => '?',
    };
    signs.iter().map(sign).collect()
}

/// As simple as can be: by the definition, whatever it costs.
fn matches(pattern: &[Sign], path: &[Sign]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((Sign::Any, rest)), None) => matches(rest, path),
        (Some((Sign::Any, rest)), Some((_, tail))) => matches(rest, path) || matches(pattern, tail),
        (Some((Sign::One, rest)), Some((_, tail))) => matches(rest, tail),
        (Some((sign, rest)), Some((first, tail))) => sign == first && matches(rest, tail),
        _ => false,
    }
}

#[test]
fn fuzz_path_patterns() {
    bolero::check!()
        .with_type::<(Vec<Sign>, Vec<Sign>, String)>()
        .for_each(|(pattern, path, anything)| {
            let (pattern, path) = (
                &pattern[..pattern.len().min(10)],
                &path[..path.len().min(12)],
            );
            if let Ok(compiled) = PathPattern::new(&text(pattern)) {
                let expected = matches(pattern, path);
                assert_eq!(
                    compiled.matches(&text(path)),
                    expected,
                    "{pattern:?} {path:?}"
                );
            }
            if let Ok(compiled) = PathPattern::new(anything) {
                assert!(compiled.matches(anything), "itself: {anything:?}");
            }
        });
}
