//! What came of an act, and what it may have cost.

use std::collections::BTreeMap;

use super::report::OnAws;

/// What came of an act.
pub(super) struct Outcome {
    pub(super) what: String,
    pub(super) on_aws: Option<OnAws>,
    /// The ports of the targets that were killed, where only targets were: nothing else may have lost anything.
    pub(super) killed: Option<Vec<u16>>,
}

impl Outcome {
    pub(super) fn done(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            on_aws: None,
            killed: None,
        }
    }

    /// What was killed, if only targets were.
    pub(super) fn killing(what: &str, killed: Option<Vec<u16>>) -> Self {
        Self {
            killed,
            ..Self::done(what)
        }
    }

    pub(super) fn of(what: &str, on_aws: OnAws) -> Self {
        Self {
            on_aws: Some(on_aws),
            ..Self::done(what)
        }
    }
}

/// How many requests have failed on these ports since `before`.
pub(super) fn new_on(ports: &[u16], before: &BTreeMap<u16, u64>, now: &BTreeMap<u16, u64>) -> u64 {
    let on = |all: &BTreeMap<u16, u64>, port| all.get(port).copied().unwrap_or(0);
    ports
        .iter()
        .map(|port| on(now, port) - on(before, port))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_failed_since_and_there_is_counted() {
        let before = BTreeMap::from([(1, 5), (2, 1)]);
        let now = BTreeMap::from([(1, 7), (2, 4), (3, 1)]);
        assert_eq!(new_on(&[1, 3], &before, &now), 3);
        assert_eq!(new_on(&[4], &before, &now), 0);
    }
}
