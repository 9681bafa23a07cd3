//! One step of a plan: a file, the call it is the body of, and the names of what comes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Body, Call, Error, Missing, error, name,
    template::{self, Use},
};

/// One file of the plan, checked and typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    file: PathBuf,
    call: Call,
    outputs: Vec<Output>,
    input: Value,
    body: Body,
    uses: Vec<Use>,
}

impl Step {
    /// Checks `text`, the contents of `file`, as the body of `call`. Nothing is read from disk.
    pub fn parse(
        file: PathBuf,
        call: Call,
        outputs: Vec<Output>,
        text: &str,
    ) -> Result<Self, Error> {
        let input = error::parse(&file, text)?;
        let uses = template::uses(&file, &input)?;
        let body = Body::parse(call, &file, text)?;
        name::check_template(call, &file, &input)?;
        Ok(Self {
            file,
            call,
            outputs,
            input,
            body,
            uses,
        })
    }

    /// The file, as it was reached from the folder given to [`Layout::read`](crate::Layout::read).
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The AWS call this is the body of.
    #[must_use]
    pub fn call(&self) -> Call {
        self.call
    }

    /// What the call's answer gives to later steps, in the plan's order.
    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The body as a type.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body as JSON, which is what goes to `--cli-input-json`.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.input
    }

    /// The variables this file uses, each once, in the order of its fields.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let names = self.uses.iter().map(|used| &*used.name);
        names.filter(|name| seen.insert(*name)).collect()
    }

    /// This step with `values` in place of its variables. Names it does not use are ignored, so a
    /// deployment can collect outputs in one map and render step by step.
    ///
    /// [`Error::MissingVariables`] lists every name that has no value.
    pub fn render(&self, values: &BTreeMap<String, String>) -> Result<Self, Error> {
        let missing = self.missing(values);
        if !missing.is_empty() {
            return Err(Error::MissingVariables { missing });
        }
        let input = template::substitute(&self.input, values);
        let body = Body::parse(self.call, &self.file, &input.to_string())?;
        let outputs = self.outputs.iter().map(|output| output.render(values));
        Ok(Self {
            file: self.file.clone(),
            call: self.call,
            outputs: outputs.collect(),
            input,
            body,
            uses: Vec::new(),
        })
    }

    /// Holds the names of a rendered step against AWS's patterns: its values may be anybody's.
    ///
    /// # Errors
    /// The first name that AWS would refuse, with its field.
    pub fn check_names(&self) -> Result<(), Error> {
        name::check_rendered(self.call, &self.file, &self.input)
    }

    /// An [`Error::Field`] about this file, for rules that are checked after reading.
    pub fn fault(&self, field: impl Into<String>, message: impl Into<String>) -> Error {
        Error::field(&self.file, field, message)
    }

    /// The names without a value, in alphabetical order, each with the first field that uses it.
    pub(crate) fn missing(&self, values: &BTreeMap<String, String>) -> Vec<Missing> {
        let mut missing = BTreeMap::new();
        for used in &self.uses {
            if !values.contains_key(&used.name) {
                missing.entry(&used.name).or_insert_with(|| Missing {
                    name: used.name.clone(),
                    file: self.file.clone(),
                    field: used.field.clone(),
                });
            }
        }
        missing.into_values().collect()
    }

    pub(crate) fn uses(&self) -> &[Use] {
        &self.uses
    }
}

/// Something a call's answer contains and a later file needs, such as the ARN of a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    name: String,
    path: String,
    pointer: String,
    behind: Option<String>,
    value: String,
}

impl Output {
    /// `path` leads into the answer: names joined by dots, each with indices in brackets, as in
    /// `TargetGroups[0].TargetGroupArn`. It is also a valid `--query` for the `aws` command.
    ///
    /// `##*` and a text may follow, as in `TargetGroups[0].TargetGroupArn##*:`. As in a shell, the
    /// output is then what stands behind the last such text: metrics and scaling policies want
    /// ARNs without their first part. Nothing, if it is not such a path.
    #[must_use]
    pub fn new(name: impl Into<String>, path: &str) -> Option<Self> {
        let name = name.into();
        let (path, behind) = match path.split_once("##*") {
            Some((path, behind)) => (path, Some(behind.to_owned())),
            None => (path, None),
        };
        if behind.as_deref().is_some_and(|text| !is_plain(text)) {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            pointer: pointer(path)?,
            behind,
            value: format!("${{{name}}}"),
            name,
        })
    }

    /// The name later files use between `${` and `}`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where in the call's answer it is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text up to which the value is cut; nothing for a value as it is.
    #[must_use]
    pub fn behind(&self) -> Option<&str> {
        self.behind.as_deref()
    }

    /// What files say when they mean it: `${NAME}` as read, the given value once rendered.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Takes it out of a call's answer; nothing if there is no string at that path.
    #[must_use]
    pub fn find<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        let found = answer.pointer(&self.pointer)?.as_str()?;
        let Some(behind) = &self.behind else {
            return Some(found);
        };
        found.rsplit_once(behind.as_str()).map(|(_, rest)| rest)
    }

    fn render(&self, values: &BTreeMap<String, String>) -> Self {
        let mut rendered = self.clone();
        if let Some(value) = values.get(&self.name) {
            rendered.value.clone_from(value);
        }
        rendered
    }
}

/// A typed body and the step it belongs to. Fields and methods of the body are reached directly.
#[derive(Debug)]
pub struct Entry<'a, T> {
    /// Where it comes from.
    pub step: &'a Step,
    /// The body.
    pub body: &'a T,
}

impl<'a, T> Entry<'a, T> {
    /// The file that says so.
    #[must_use]
    pub fn file(&self) -> &'a Path {
        self.step.file()
    }

    /// What other files say when they mean this object: the value of its output whose path ends in
    /// `Arn`. Nothing, if the plan gives its ARN no name.
    #[must_use]
    pub fn arn(&self) -> Option<&'a str> {
        let mut outputs = self.step.outputs.iter();
        let output =
            outputs.find(|output| output.path.ends_with("Arn") && output.behind.is_none())?;
        Some(&output.value)
    }
}

impl<T> Clone for Entry<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Entry<'_, T> {}

impl<T> Deref for Entry<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.body
    }
}

/// A text that means itself in a shell's pattern, too.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ":/-_.".contains(c))
}

/// `A[0].B` as the JSON pointer `/A/0/B`.
fn pointer(path: &str) -> Option<String> {
    let mut pointer = String::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        let name = pieces.next()?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        pointer.push('/');
        pointer.push_str(name);
        for piece in pieces {
            let index: usize = piece.strip_suffix(']')?.parse().ok()?;
            pointer.push('/');
            pointer.push_str(&index.to_string());
        }
    }
    Some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_output_is_found_by_its_path() {
        let output = Output::new("ARN", "Groups[1].Names[0]").unwrap();
        let answer = json!({"Groups": [{}, {"Names": ["here"]}]});
        assert_eq!(output.find(&answer), Some("here"));
        assert_eq!(output.find(&json!({"Groups": []})), None);
        assert_eq!(output.value(), "${ARN}");
    }

    #[test]
    fn an_output_may_be_the_end_of_what_is_found() {
        let output = Output::new("LABEL", "Arn##*:loadbalancer/").unwrap();
        let answer = json!({"Arn": "arn:aws:elb:eu:1:loadbalancer/app/a/1"});
        assert_eq!(output.find(&answer), Some("app/a/1"));
        assert_eq!(output.find(&json!({"Arn": "arn:aws:elb"})), None);
        assert_eq!(
            (output.path(), output.behind()),
            ("Arn", Some(":loadbalancer/"))
        );
        assert_eq!(Output::new("X", "Arn##*"), None);
        assert_eq!(Output::new("X", "Arn##*a b"), None);
    }

    #[test]
    fn a_path_has_names_dots_and_indices_only() {
        for path in ["", ".", "a.", "a[]", "a[x]", "a[0", "[0]", "a[*].b", "a b"] {
            assert_eq!(Output::new("X", path), None, "{path}");
        }
    }
}
