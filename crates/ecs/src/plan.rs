//! `plan.json`: which file goes to which AWS call, in which order, and what the answers are called.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};

use crate::{Call, Error, Output, error, template};

/// The plan's file name inside a layout's folder.
pub(crate) const FILE: &str = "plan.json";

/// One checked line of the plan.
pub(crate) struct Planned {
    pub(crate) file: String,
    pub(crate) call: Call,
    pub(crate) outputs: Vec<Output>,
}

/// Reads the text of a plan. `file` is for errors.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Vec<Planned>, Error> {
    let lines: Vec<Line> = error::parse(file, text)?;
    let mut taken = BTreeMap::new();
    lines
        .into_iter()
        .enumerate()
        .map(|(index, line)| line.check(file, index, &mut taken))
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: String,
    call: String,
    #[serde(default)]
    output: Pairs,
}

impl Line {
    fn check(
        self,
        file: &Path,
        index: usize,
        taken: &mut BTreeMap<String, String>,
    ) -> Result<Planned, Error> {
        let call = Call::from_name(&self.call).ok_or_else(|| Error::UnknownCall {
            file: file.to_owned(),
            field: format!("[{index}].call"),
            call: self.call.clone(),
            expected: Call::ALL.map(|call| format!("`{call}`")).join(", "),
        })?;
        let mut outputs = Vec::new();
        for (name, path) in self.output.0 {
            let field = format!("[{index}].output.{name}");
            if !template::is_name(&name) {
                return Err(Error::BadVariableName {
                    file: file.to_owned(),
                    field: format!("[{index}].output"),
                    name,
                });
            }
            if let Some(first) = taken.insert(name.clone(), field.clone()) {
                return Err(Error::DuplicateOutput {
                    file: file.to_owned(),
                    field,
                    name,
                    first,
                });
            }
            let output = Output::new(name, &path).ok_or_else(|| {
                let message = format!("`{path}` is no path like `Listeners[0].ListenerArn`");
                Error::field(file, field, message)
            })?;
            outputs.push(output);
        }
        Ok(Planned {
            file: self.file,
            call,
            outputs,
        })
    }
}

/// A JSON object as it is written: its order, and keys that come twice. A map would swallow both.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of output names and paths into the answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
