//! `plan.json`, the order in which our own layouts are made.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use serde_json::Value;

use crate::{
    file,
    lint::{
        finding::Findings,
        kind::{Document, Kind},
        node::Node,
        path::beginning,
        rule::topic,
        scope::{normal, planned_file},
        source::Source,
        template,
    },
};

topic! { "Plans";
    PLAN_FILE_MISSING = Error "plan-file-missing" {
        what: "A plan names a file that is not there, or is no regular file of at most 8 MiB.",
        aws: "Nothing: the deployment stops before that call, with everything before it made.",
        fix: "Correct the name, or add the file.",
    }
    PLAN_FILE_OUTSIDE = Error "plan-file-outside" {
        what: "A plan names a file that is not below its own folder or the one above.",
        aws: "Nothing: `roadie` reads no such file, whose contents would go to AWS.",
        fix: "Keep the files of a layout together: beside the plan, or in a folder that layouts share.",
    }
    PLAN_ORDER = Error "plan-order" {
        what: "A file uses an answer that only a later call, or its own, gives.",
        aws: "Nothing: there is no value to send when the call's turn comes.",
        fix: "Move the step that gives the value before the step that uses it.",
    }
}

/// Holds each plan against the files it names.
pub(super) fn check(sources: &[Source], documents: &[Document<'_>], found: &mut Findings) {
    let by_path: HashMap<PathBuf, &Source> = sources
        .iter()
        .map(|source| (normal(&source.path), source))
        .collect();
    for plan in documents.iter().filter(|d| d.kind == Kind::Plan) {
        let steps = plan.node.elements();
        let mut made_by: HashMap<&str, usize> = HashMap::new();
        for (index, step) in steps.iter().enumerate() {
            let names = step
                .get("output")
                .and_then(|output| output.value.as_object());
            for name in names.into_iter().flatten().map(|(name, _)| name) {
                made_by.entry(name).or_insert(index);
            }
        }
        let mut ordered = HashSet::new();
        for (index, step) in steps.iter().enumerate() {
            let Some(file) = planned_file(&plan.node, step) else {
                continue;
            };
            if step.text_at("file").is_some_and(file::leaves) {
                let message = "the file is outside of the folders of the layout";
                found.add(&PLAN_FILE_OUTSIDE, &step.get_or_self("file"), message);
                continue;
            }
            let Some(source) = by_path.get(&file) else {
                let message = format!("there is no file {}", file.display());
                found.add(&PLAN_FILE_MISSING, &step.get_or_self("file"), message);
                continue;
            };
            // What is known too late for its first step is a finding; for a later one it would be the same.
            let first = ordered.insert(std::ptr::from_ref(*source));
            if let Some(root) = source.root().filter(|_| first) {
                order(&root, index, &steps, &made_by, found);
            }
        }
    }
}

fn order(
    node: &Node<'_>,
    index: usize,
    steps: &[Node<'_>],
    made_by: &HashMap<&str, usize>,
    found: &mut Findings,
) {
    match node.value {
        Value::String(text) => {
            for name in template::variables(text) {
                let Some(maker) = made_by.get(name).filter(|maker| **maker >= index) else {
                    continue;
                };
                let by = steps
                    .get(*maker)
                    .and_then(|step| step.text_at("file"))
                    .map_or("a later step", |file| beginning(file, 255));
                let message = format!("`{name}` is known only after {by}");
                found.add(&PLAN_ORDER, node, message);
            }
        }
        Value::Array(_) => {
            for element in node.elements() {
                order(&element, index, steps, made_by, found);
            }
        }
        Value::Object(members) => {
            for key in members.keys() {
                if let Some(member) = node.get(key) {
                    order(&member, index, steps, made_by, found);
                }
            }
        }
        _ => {}
    }
}
