//! `${NAME}` inside JSON strings: finding the names, and putting values in their place.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::Error;

/// One place where a variable stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) field: String,
    pub(crate) name: String,
}

/// Every use of a variable in `value`, in the order of the fields.
///
/// Refuses what rendering could not handle (variables in keys, unclosed or badly named ones), and
/// `null`, which the `aws` command takes nowhere.
pub(crate) fn uses(file: &Path, value: &Value) -> Result<Vec<Use>, Error> {
    let mut found = Vec::new();
    walk(file, "", value, &mut found)?;
    Ok(found)
}

/// `value` with every variable replaced. Names that `values` lacks stay as they are; values are
/// not searched for variables again.
pub(crate) fn substitute(value: &Value, values: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, values)),
        Value::Array(items) => items.iter().map(|item| substitute(item, values)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.clone(), substitute(member, values)))
            .collect(),
        other => other.clone(),
    }
}

/// A name that may stand between `${` and `}`: `A-Z`, `0-9` and `_`, a letter first.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// What stands around the variables of a text, in order; several pieces, where it has a variable.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.split("${");
    let first = rest.next();
    let others = rest.map(|piece| piece.split_once('}').map_or(piece, |(_, after)| after));
    first.into_iter().chain(others)
}

fn walk(file: &Path, field: &str, value: &Value, found: &mut Vec<Use>) -> Result<(), Error> {
    match value {
        Value::String(text) => find(file, field, text, found),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(file, &format!("{field}[{index}]"), item, found)?;
            }
            Ok(())
        }
        Value::Object(members) => {
            for (key, member) in members {
                if key.contains("${") {
                    return Err(Error::VariableInKey {
                        file: file.to_owned(),
                        field: field.to_owned(),
                        key: key.clone(),
                    });
                }
                let dot = if field.is_empty() { "" } else { "." };
                walk(file, &format!("{field}{dot}{key}"), member, found)?;
            }
            Ok(())
        }
        Value::Null => Err(Error::field(
            file,
            field,
            "null is not a value; leave it out",
        )),
        Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn find(file: &Path, field: &str, text: &str, found: &mut Vec<Use>) -> Result<(), Error> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Err(Error::UnclosedVariable {
                file: file.to_owned(),
                field: field.to_owned(),
            });
        };
        if !is_name(name) {
            return Err(Error::BadVariableName {
                file: file.to_owned(),
                field: field.to_owned(),
                name: name.to_owned(),
            });
        }
        found.push(Use {
            field: field.to_owned(),
            name: name.to_owned(),
        });
        rest = after;
    }
    Ok(())
}

fn fill(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let known = after
            .split_once('}')
            .and_then(|(name, after)| values.get(name).map(|value| (value, after)));
        match known {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push_str("${");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_looks_like_a_variable_is_not_rendered_again() {
        let values = BTreeMap::from([("A".to_owned(), "${B}".to_owned())]);
        let rendered = substitute(&json!({"x": ["<${A}>${A}", 1]}), &values);
        assert_eq!(rendered, json!({"x": ["<${B}>${B}", 1]}));
    }

    #[test]
    fn a_dollar_without_a_brace_is_plain_text() {
        let found = uses(Path::new("f.json"), &json!({"a": "$HOME costs 5$ {x}"})).unwrap();
        assert!(found.is_empty());
    }

    #[test]
    fn names_are_upper_case_and_start_with_a_letter() {
        for name in ["TAG", "SUBNET_A", "A1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "tag", "1A", "_A", "A-B", "A B", " A", "Ä", "A${B"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
