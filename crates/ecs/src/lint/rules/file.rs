//! Files that the `aws` command cannot read, or reads otherwise than a person does.

use crate::lint::{Finding, finding::Findings, rule::topic, source::Source};

topic! { "Files";
    NOT_JSON = Error "not-json" {
        what: "The file is not JSON.",
        aws: "The `aws` command refuses it before it calls AWS.",
        fix: "Repair it at the place that is named; JSON has no comments and no commas at an end.",
    }
    BYTE_ORDER_MARK = Error "byte-order-mark" {
        what: "The file begins with a byte order mark.",
        aws: "The `aws` command takes the mark for a part of the JSON and refuses it.",
        fix: "Save the file as UTF-8 without a byte order mark.",
    }
    DUPLICATE_KEY = Error "duplicate-key" {
        what: "An object has a key twice.",
        aws: "The last one counts; the first one, which a reader sees first, is dropped without a word.",
        fix: "Keep one of them.",
    }
}

/// Everything that shows before anyone asks what the file is about.
pub(in crate::lint) fn check(source: &Source, found: &mut Findings) {
    let mut add = |rule, path: &str, (line, column), message| {
        found.push(Finding {
            rule,
            file: source.path.clone(),
            path: path.to_owned(),
            line,
            column,
            message,
        });
    };
    if let Some(fault) = &source.fault {
        let message = format!("not JSON: {}", fault.message);
        add(&NOT_JSON, "", (fault.line, fault.column), message);
    }
    if source.marked {
        let message = "the file begins with a byte order mark".to_owned();
        add(&BYTE_ORDER_MARK, "", (1, 1), message);
    }
    for (path, place) in &source.duplicates {
        let message = format!("`{path}` is here for the second time");
        add(&DUPLICATE_KEY, path, *place, message);
    }
}
