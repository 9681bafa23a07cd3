use super::{here, read};

#[test]
fn nothing_is_found_in_our_own_files() {
    let files = read(&here("../../ecs"));
    assert!(ecs::lint::named_elsewhere(&files).is_empty());
    let report = ecs::lint::check(files);
    assert!(report.checked > 10, "{} files", report.checked);
    let found: Vec<String> = report
        .findings
        .iter()
        .map(|f| {
            format!(
                "{}:{}: {} {}: {}",
                f.file.display(),
                f.line,
                f.rule.id,
                f.path,
                f.message
            )
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_layout_is_checked_with_the_files_outside_of_its_folder() {
    for layout in ["ec2", "fargate"] {
        let dir = here("../../ecs").join(layout);
        if !dir.exists() {
            continue;
        }
        let mut files = read(&dir);
        let missing = ecs::lint::named_elsewhere(&files);
        for path in missing {
            let bytes = std::fs::read(dir.join(&path)).unwrap();
            files.push(ecs::lint::SourceFile { path, bytes });
        }
        let report = ecs::lint::check(files);
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
    }
}
