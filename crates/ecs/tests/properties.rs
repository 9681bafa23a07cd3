//! What holds for any text that a layout is read from, drawn at random: it never ends the program, and what
//! is said of it is one line that steers no terminal.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::{collections::BTreeMap, fs, path::Path};

use ecs::{Call, Layout, Output, Step, printable};
use serde_json::{Value, json};

/// Numbers that look random and are the same every time (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }

    /// Some of these texts, one behind the other.
    fn some(&mut self, texts: &[&str], most: usize) -> String {
        let length = self.below(most + 1);
        (0..length).map(|_| self.of(texts)).collect()
    }
}

/// What templates are made of, and what they are easily mistaken for.
const PIECES: [&str; 14] = [
    "${A}", "${B_1}", "${", "}", "$", "{", "a", "${a}", "${}", "\n", "\u{1b}", "\u{202e}", "'",
    "${A",
];

fn role(policy: &str) -> Result<Step, ecs::Error> {
    let body = json!({"RoleName": "r", "AssumeRolePolicyDocument": policy});
    let file = Path::new("role\n.json").to_owned();
    Step::parse(file, Call::CreateRole, Vec::new(), &body.to_string())
}

fn is_tame(error: &ecs::Error) {
    let told = error.to_string();
    assert!(!told.contains(printable::is_harmful), "{told:?}");
}

#[test]
fn each_variable_is_found_and_becomes_its_value_once() {
    let mut draw = Draw(0x0dd0_1234_5678_9abc);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let policy = draw.some(&PIECES, 6);
        let step = match role(&policy) {
            Ok(step) => step,
            Err(error) => {
                is_tame(&error);
                refused += 1;
                continue;
            }
        };
        taken += 1;
        // What a value says is no variable, whatever it looks like.
        let values = ["${B_1}", "${A}", "", "$", "{A}", "x"].map(str::to_owned);
        let (a, b) = (&values[draw.below(6)], &values[draw.below(6)]);
        let given = BTreeMap::from([("A".to_owned(), a.clone()), ("B_1".to_owned(), b.clone())]);
        let rendered = step.render(&given).unwrap();
        let mut expected = String::new();
        let mut rest = policy.as_str();
        while let Some(c) = rest.chars().next() {
            let (value, length) = match () {
                () if rest.starts_with("${A}") => (a.as_str(), 4),
                () if rest.starts_with("${B_1}") => (b.as_str(), 6),
                () => (&rest[..c.len_utf8()], c.len_utf8()),
            };
            expected.push_str(value);
            rest = &rest[length..];
        }
        assert_eq!(
            rendered.input()["AssumeRolePolicyDocument"],
            expected,
            "{policy:?}"
        );
        assert!(rendered.variables().is_empty());
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} {refused}");
}

#[test]
fn a_path_into_an_answer_is_found_there_or_is_none() {
    let mut draw = Draw(0x0bad_cafe_0bad_cafe);
    let pieces = [
        "a", "B", ".", "[0]", "[", "]", "1", "##*", ":", " ", "*", "'", "\n",
    ];
    let answer = json!({"a": [{"B": "x:y"}], "B": {"a": "x:y"}});
    let mut paths = 0;
    for _ in 0..20_000 {
        let path = draw.some(&pieces, 6);
        let Some(output) = Output::new("X", &path) else {
            continue;
        };
        paths += 1;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".[]".contains(c);
        assert!(output.path().chars().all(plain), "{path:?}");
        let behind = output.behind().unwrap_or("x");
        assert!(
            behind
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ":/-_.".contains(c))
        );
        let _ = output.find(&answer);
    }
    assert!(paths > 1_000, "{paths}");
}

#[test]
fn no_plan_ends_the_program_or_reaches_out_of_its_layout() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("properties-plan");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("layout")).unwrap();
    fs::create_dir_all(dir.join("common")).unwrap();
    let cluster = r#"{"clusterName": "${A}"}"#;
    for file in ["layout/a.json", "common/a.json"] {
        fs::write(dir.join(file), cluster).unwrap();
    }
    fs::write(
        dir.parent().unwrap().join("properties-outside.json"),
        cluster,
    )
    .unwrap();
    let files = [
        "a.json",
        "../common/a.json",
        "../../properties-outside.json",
        "./a.json",
        "..",
        "",
        "/etc/passwd",
        "a\u{1b}.json",
        "../layout/../../properties-outside.json",
        "b.json",
    ];
    let calls = [
        "ecs create-cluster",
        "ecs create-cluster",
        "ecs create\n",
        "iam create-role",
        "",
    ];
    let names = ["A", "B", "a", "A\n", "", "A"];
    let paths = ["cluster.clusterArn", "x##*:", "", "a[", "\u{202e}"];
    let mut draw = Draw(0x5151_5151_abcd_ef01);
    let mut read = 0;
    for _ in 0..3_000 {
        let step = |draw: &mut Draw| {
            let mut step = json!({"file": draw.of(&files), "call": draw.of(&calls)});
            if draw.below(3) == 0 {
                step["output"] = json!({draw.of(&names): draw.of(&paths)});
            }
            if draw.below(20) == 0 {
                step[draw.of(&names)] = json!(draw.of(&paths));
            }
            step
        };
        let count = draw.below(3);
        let mut plan =
            Value::from((0..=count).map(|_| step(&mut draw)).collect::<Vec<_>>()).to_string();
        if draw.below(10) == 0 {
            let end = plan.floor_char_boundary(draw.below(plan.len()));
            plan.truncate(end);
        }
        fs::write(dir.join("layout/plan.json"), &plan).unwrap();
        match Layout::read(&dir.join("layout")) {
            Ok(layout) => {
                read += 1;
                let inside = |step: &Step| step.file().ends_with("a.json");
                assert!(layout.steps().iter().all(inside), "{plan}");
            }
            Err(error) => is_tame(&error),
        }
    }
    assert!(read > 100, "{read}");
    fs::remove_dir_all(&dir).unwrap();
}
