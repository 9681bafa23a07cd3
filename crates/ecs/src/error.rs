//! What can be wrong with a layout: every variant names the file, and the field where there is one.

use std::{
    fmt::{self, Display},
    io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use crate::printable::{Line, Shown};

/// Why a layout cannot be read, rendered or played.
///
/// A `field` is written the way a person would reach it from the top of the file, for example
/// `containerDefinitions[1].memory`; it is empty when the whole file is meant.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is missing, or the system does not let us read it.
    #[error("{}: {cause}", Shown(.file))]
    Read {
        /// The file that was asked for.
        file: PathBuf,
        /// What the system says. Part of the message, and so no source of it.
        cause: io::Error,
    },

    /// The file is not JSON. The place is written so that editors can jump to it.
    #[error("{}:{line}:{column}: not JSON: {}", Shown(.file), Line(.message))]
    Syntax {
        /// The file that was read.
        file: PathBuf,
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },

    /// A value AWS would not take: an unknown key, a missing one, a wrong type.
    #[error("{}: {}{}", Shown(.file), Prefix(.field), Line(.message))]
    Field {
        /// The file that was read.
        file: PathBuf,
        /// Where in the file.
        field: String,
        /// What is wrong there.
        message: String,
    },

    /// The plan names a call this crate has no type for.
    #[error("{}: {}unknown call `{}`, expected one of {expected}", Shown(.file), Prefix(.field), Line(.call))]
    UnknownCall {
        /// The plan.
        file: PathBuf,
        /// Where in the plan.
        field: String,
        /// The call it names.
        call: String,
        /// The calls that are known.
        expected: String,
    },

    /// Two steps, or one step twice, give the same name to an answer.
    #[error("{}: {}the output `{}` is already the one of {}", Shown(.file), Prefix(.field), Line(.name), Line(.first))]
    DuplicateOutput {
        /// The plan.
        file: PathBuf,
        /// Where the second one is.
        field: String,
        /// The name that is taken.
        name: String,
        /// The plan's field that took it first.
        first: String,
    },

    /// A variable in a key: only values are rendered, so AWS would see `${…}`.
    #[error("{}: {}a variable cannot stand in the key `{}`", Shown(.file), Prefix(.field), Line(.key))]
    VariableInKey {
        /// The file that was read.
        file: PathBuf,
        /// The object that has the key.
        field: String,
        /// The key.
        key: String,
    },

    /// A `${` without its `}`.
    #[error("{}: {}`${{` is never closed", Shown(.file), Prefix(.field))]
    UnclosedVariable {
        /// The file that was read.
        file: PathBuf,
        /// The string that has it.
        field: String,
    },

    /// A name between `${` and `}` that is not of the form `A-Z`, `0-9` and `_`, a letter first.
    #[error("{}: {}`{}` is no variable name: use A-Z, 0-9 and _, a letter first", Shown(.file), Prefix(.field), Line(.name))]
    BadVariableName {
        /// The file that was read.
        file: PathBuf,
        /// Where it stands.
        field: String,
        /// The name as it is written.
        name: String,
    },

    /// A file uses an answer that only a later step, or the same one, produces.
    #[error("{}: {}`{name}` is known only after {}", Shown(.file), Prefix(.field), Shown(.made_by))]
    UsedTooEarly {
        /// The file that uses it.
        file: PathBuf,
        /// Where it is used.
        field: String,
        /// The output's name.
        name: String,
        /// The file whose step produces it.
        made_by: PathBuf,
    },

    /// Values that rendering needs and was not given: all of them, so that one look is enough.
    #[error("no value for {}", List(.missing))]
    MissingVariables {
        /// Each missing name once, in alphabetical order.
        missing: Vec<Missing>,
    },

    /// Valid for AWS, but beyond what this crate can play.
    #[error("{}: {}{} cannot be played here", Shown(.file), Prefix(.field), Line(.what))]
    Unsupported {
        /// The file that was read.
        file: PathBuf,
        /// Where it stands.
        field: String,
        /// What it is.
        what: String,
    },
}

/// A variable without a value, and the first place that wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The name between `${` and `}`.
    pub name: String,
    /// The first file that uses it.
    pub file: PathBuf,
    /// Where in that file.
    pub field: String,
}

impl Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, field) = (Shown(&self.file), Line(&self.field));
        write!(f, "{} ({file}: {field})", self.name)
    }
}

impl Error {
    /// A value of `file` at `field` that AWS would not take.
    pub fn field(file: &Path, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Field {
            file: file.to_owned(),
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Reads one JSON text as a `T`; `file` is for the error only.
pub(crate) fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        fault(file, &field, error.inner())
    })?;
    json.end().map_err(|error| fault(file, ".", &error))?;
    Ok(value)
}

fn fault(file: &Path, field: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    if error.is_data() {
        let field = if field == "." { "" } else { field };
        return Error::field(file, field, message);
    }
    Error::Syntax {
        file: file.to_owned(),
        line,
        column,
        message,
    }
}

/// `field: `, or nothing for the whole file.
struct Prefix<'a>(&'a str);

impl Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "{}: ", Line(self.0))
    }
}

struct List<'a>(&'a [Missing]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, missing) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            missing.fmt(f)?;
        }
        Ok(())
    }
}
