//! Broken in every way, the files may have any findings, but never end the program.

use serde_json::{Value, json};

use ecs::lint::SourceFile;

use super::{here, read};

/// A generator with a fixed seed (xorshift): the same 2,000 cases on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

#[test]
fn no_change_of_any_value_makes_it_panic() {
    // What no rule is about would only take time.
    let is_known = |file: &SourceFile| ecs::lint::check(vec![file.clone()]).checked == 1;
    let mut own = read(&here("../../ecs"));
    own.retain(is_known);
    let correct = read(&here("tests/corpus/correct"));
    let mut dice = Dice(0x5eed_cafe_f00d_beef);
    for round in 0..2_000 {
        let mut files = match round % 4 {
            0 => correct.clone(),
            1 => layout(&own, "fargate"),
            _ => layout(&own, "ec2"),
        };
        for _ in 0..=dice.below(3) {
            let file = dice.below(files.len());
            let file = &mut files[file];
            let Ok(mut value) = serde_json::from_slice::<Value>(&file.bytes) else {
                continue;
            };
            let places = count(&value);
            let place = dice.below(places);
            change(&mut value, place, &mut dice);
            file.bytes = value.to_string().into_bytes();
        }
        // Every finding points somewhere.
        for finding in ecs::lint::check(files).findings {
            assert!(finding.line > 0 && finding.column > 0);
        }
    }
}

#[test]
fn no_text_that_is_cut_short_makes_it_panic() {
    for file in read(&here("../../ecs")) {
        let mut end = file.bytes.len();
        while end > 0 {
            end -= end.min(97);
            let mut cut = file.clone();
            cut.bytes.truncate(end);
            let report = ecs::lint::check(vec![cut]);
            assert!(report.checked + report.skipped == 1);
        }
    }
}

/// The files of one layout and those it shares.
fn layout(own: &[SourceFile], name: &str) -> Vec<SourceFile> {
    let other = if name == "ec2" { "fargate" } else { "ec2" };
    let files = own.iter().filter(|file| !file.path.starts_with(other));
    files.cloned().collect()
}

/// How many values there are, the outermost included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value at that place, counted from the outermost.
fn change(value: &mut Value, place: usize, dice: &mut Dice) -> usize {
    if place == 0 {
        *value = other(value, dice);
        return 0;
    }
    let mut left = place - 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => return left,
    };
    for child in children {
        let size = count(child);
        if left < size {
            return change(child, left, dice);
        }
        left -= size;
    }
    left
}

fn other(value: &Value, dice: &mut Dice) -> Value {
    match dice.below(14) {
        0 => Value::Null,
        1 => json!(0),
        2 => json!(-1),
        3 => json!(i64::MAX),
        4 => json!(i64::MIN),
        5 => json!(u64::MAX),
        6 => json!(1.5),
        7 => json!(""),
        8 => json!("ä\u{1b}\"\\${X} :/@#%"),
        9 => json!([]),
        10 => json!({}),
        11 => json!([value, value]),
        12 => json!({ "name": value }),
        _ => json!(!value.as_bool().unwrap_or_default()),
    }
}
