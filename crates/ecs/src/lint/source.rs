//! One file: its text, the JSON in it, and where things stand.

use std::{
    cell::OnceCell,
    path::{self, PathBuf},
};

use serde_json::Value;

use super::{
    node::Node,
    path::Path,
    position::{self, Place, Places},
};

/// A file as it was found; the caller has read it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The name findings are reported under.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why a file is not JSON.
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

/// A file, read.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Nothing when it is not JSON.
    pub(super) value: Option<Value>,
    /// Keys that come twice.
    pub(super) duplicates: Vec<(String, Place)>,
    pub(super) fault: Option<Fault>,
    /// Whether it begins with a byte order mark.
    pub(super) marked: bool,
    text: String,
    /// Made when the first finding asks for its place.
    places: OnceCell<Places>,
}

impl Source {
    pub(super) fn new(file: SourceFile) -> Self {
        let marked = file.bytes.starts_with(b"\xEF\xBB\xBF");
        let mut source = Self {
            path: file.path,
            value: None,
            duplicates: Vec::new(),
            fault: None,
            marked,
            text: String::new(),
            places: OnceCell::new(),
        };
        match std::str::from_utf8(&file.bytes) {
            Ok(text) => source.parse(text.trim_start_matches('\u{FEFF}')),
            Err(error) => {
                let before = file.bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = before.split(|byte| *byte == b'\n').count();
                let line_bytes = before.rsplit(|byte| *byte == b'\n').next();
                let column = 1 + characters(line_bytes.unwrap_or_default());
                let message = "not UTF-8".to_owned();
                source.fault = Some(Fault {
                    line,
                    column,
                    message,
                });
            }
        }
        source
    }

    /// The file's name without folders and extension.
    pub(super) fn stem(&self) -> &str {
        self.path.file_stem().and_then(|s| s.to_str()).unwrap_or("")
    }

    pub(super) fn folder(&self) -> &path::Path {
        self.path.parent().unwrap_or(path::Path::new(""))
    }

    /// The whole file as a node; nothing when it is not JSON.
    pub(super) fn root(&self) -> Option<Node<'_>> {
        let value = self.value.as_ref()?;
        Some(Node {
            source: self,
            value,
            path: Path::default(),
        })
    }

    /// Line and column of the value at `path`, or of the file's beginning.
    pub(super) fn place(&self, path: &Path<'_>) -> Place {
        let places = self.places.get_or_init(|| position::places(&self.text));
        places.find(&path.parts()).unwrap_or((1, 1))
    }

    fn parse(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(value) => {
                self.duplicates = position::duplicates(text);
                text.clone_into(&mut self.text);
                self.value = Some(value);
            }
            Err(error) => {
                let place = format!(" at line {} column {}", error.line(), error.column());
                let message = error.to_string();
                let line = text
                    .lines()
                    .nth(error.line().max(1) - 1)
                    .unwrap_or_default();
                let before = line.as_bytes().get(..error.column().max(1) - 1);
                self.fault = Some(Fault {
                    line: error.line().max(1),
                    column: 1 + characters(before.unwrap_or(line.as_bytes())),
                    message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
                });
            }
        }
    }
}

/// How many characters begin in `bytes`.
fn characters(bytes: &[u8]) -> usize {
    let continues = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    bytes.len() - bytes.iter().filter(continues).count()
}
