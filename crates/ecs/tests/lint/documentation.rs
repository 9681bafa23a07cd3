//! `docs/lint.md` is made of the rules themselves.

use std::{env, fmt::Write as _, fs};

use super::here;

#[test]
fn the_list_of_rules_in_docs_is_that_of_the_code() {
    let path = here("../../docs/lint.md");
    let text = fs::read_to_string(&path).unwrap();
    let marker = "<!-- rules: made by `UPDATE_DOCS=1 cargo test -p ecs --test lint` -->\n";
    let (before, _) = text.split_once(marker).unwrap();
    let expected = format!("{before}{marker}{}", rules());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == expected,
        "docs/lint.md is out of date"
    );
}

fn rules() -> String {
    let mut text = String::new();
    for (title, rules) in ecs::lint::topics() {
        write!(
            text,
            "\n## {title}\n\n| rule | | finds | what AWS does | fix |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        for rule in rules {
            let [what, aws, fix] =
                [rule.what, rule.aws, rule.fix].map(|cell| cell.replace('|', "\\|"));
            writeln!(
                text,
                "| `{}` | {} | {what} | {aws} | {fix} |",
                rule.id, rule.severity
            )
            .unwrap();
        }
    }
    text
}
