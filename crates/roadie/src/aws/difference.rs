//! Whether what AWS describes is what a file says.
//!
//! AWS answers with more than it was given: defaults, dates, states. So a file is compared with
//! the part of the answer that it names.

use serde_json::Value;

/// Arrays whose order means something. AWS gives all others back in an order of its own.
const ORDERED: [&str; 4] = ["command", "entryPoint", "placementStrategy", "metrics"];

/// Where `found` is not what `wanted` says, as paths from the top. Empty when it is.
pub(crate) fn differences(wanted: &Value, found: &Value) -> Vec<String> {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .filter_map(|(name, wanted)| {
                let ordered = ORDERED.contains(&name.as_str());
                let inner = match found.get(name) {
                    Some(found) => difference(wanted, found, ordered),
                    None => Some(String::new()),
                };
                inner.map(|inner| format!("{name}{inner}"))
            })
            .collect(),
        _ => difference(wanted, found, false).into_iter().collect(),
    }
}

/// The first place that differs, below this one; nothing when all is as wanted.
fn difference(wanted: &Value, found: &Value, ordered: bool) -> Option<String> {
    match (wanted, found) {
        (Value::Object(_), Value::Object(_)) => {
            let first = differences(wanted, found).into_iter().next()?;
            Some(format!(".{first}"))
        }
        (Value::Array(wanted), Value::Array(found)) => elements(wanted, found, ordered),
        (Value::String(text), wrapped @ (Value::Object(_) | Value::Array(_))) => {
            (document(text).as_ref() != Some(wrapped)).then(String::new)
        }
        (Value::String(wanted), Value::String(found)) if wanted != found => {
            match (document(wanted), document(found)) {
                (Some(wanted), Some(found)) if wanted == found => None,
                _ => Some(String::new()),
            }
        }
        (Value::Number(wanted), Value::Number(found)) => {
            (wanted.as_f64() != found.as_f64()).then(String::new)
        }
        (wanted, found) => (wanted != found).then(String::new),
    }
}

fn elements(wanted: &[Value], found: &[Value], ordered: bool) -> Option<String> {
    if wanted.len() != found.len() {
        return Some(String::new());
    }
    let mut rest: Vec<&Value> = found.iter().collect();
    for (index, wanted) in wanted.iter().enumerate() {
        let same = |found: &&Value| difference(wanted, found, false).is_none();
        let place = if ordered {
            rest.first().filter(|found| same(found)).map(|_| 0)
        } else {
            rest.iter().position(same)
        };
        let Some(place) = place else {
            return Some(format!("[{index}]"));
        };
        rest.remove(place);
    }
    None
}

/// A JSON document inside a string.
fn document(text: &str) -> Option<Value> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    (parsed.is_object() || parsed.is_array()).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_aws_adds_is_no_difference() {
        let wanted = json!({"name": "a", "list": [{"k": 1}], "n": 60});
        let found = json!({"name": "a", "list": [{"k": 1, "extra": []}], "n": 60.0, "status": "x"});
        assert!(differences(&wanted, &found).is_empty());
    }

    #[test]
    fn a_difference_is_told_by_its_place() {
        let wanted = json!({"a": {"b": [1, {"c": 2}]}, "x": 1, "y": "same"});
        let found = json!({"a": {"b": [1, {"c": 3}]}, "y": "same"});
        assert_eq!(differences(&wanted, &found), ["a.b[1]", "x"]);
        assert_eq!(differences(&wanted, &Value::Null), [""]);
    }

    #[test]
    fn order_matters_only_where_it_means_something() {
        let wanted = json!({"environment": ["a", "b"], "command": ["a", "b"]});
        let found = json!({"environment": ["b", "a"], "command": ["b", "a"]});
        assert_eq!(differences(&wanted, &found), ["command[0]"]);
        let more = json!({"environment": ["a", "b", "c"], "command": ["a", "b"]});
        assert_eq!(differences(&wanted, &more), ["environment"]);
    }

    #[test]
    fn documents_in_strings_are_compared_as_documents() {
        let wanted = json!({"policy": r#"{"a":1,"b":[2]}"#});
        assert!(differences(&wanted, &json!({"policy": {"b": [2], "a": 1}})).is_empty());
        assert!(differences(&wanted, &json!({"policy": "{ \"b\": [2], \"a\": 1 }"})).is_empty());
        assert_eq!(
            differences(&wanted, &json!({"policy": {"a": 1}})),
            ["policy"]
        );
        // A policy that says more is another policy.
        let wider = json!({"policy": {"a": 1, "b": [2], "c": 3}});
        assert_eq!(differences(&wanted, &wider), ["policy"]);
    }
}
