//! Who plays: the services, and what can be done to each.

use super::super::stage::Service;
use crate::container::Program;

/// A service, as far as the play is concerned.
pub(super) struct Member {
    pub(super) name: String,
    /// The same for people.
    pub(super) short: String,
    pub(super) desired: u32,
    /// What makes its tasks never healthy; none where it has no load balancer.
    pub(super) spoilt: Option<(&'static str, &'static str)>,
    pub(super) rolls_back: bool,
}

impl Member {
    pub(super) fn all(services: &[Service]) -> Vec<Self> {
        let names: Vec<_> = services.iter().map(|service| &*service.name).collect();
        let names = short(&names).into_iter();
        names.zip(services).map(Self::of).collect()
    }

    fn of((short, service): (String, &Service)) -> Self {
        let blueprint = &service.blueprint;
        let target = blueprint.targets.first();
        let target = target.and_then(|target| {
            let mut parts = blueprint.containers.iter();
            parts.find(|part| part.spec.name == target.container)
        });
        Self {
            name: service.name.clone(),
            short,
            desired: service.desired_count,
            spoilt: target.map(|part| match part.spec.program {
                // Runs, and is never ready.
                Program::Node => ("FAULT_UNREADY", "true"),
                // Ends at once.
                Program::Client => ("KEEP_ALIVE_MS", "none"),
            }),
            rolls_back: service.settings.deployment.rolls_back(),
        }
    }
}

/// What is left of each name without the words that all begin with.
fn short(names: &[&str]) -> Vec<String> {
    let words: Vec<Vec<&str>> = names.iter().map(|name| name.split('-').collect()).collect();
    let shared = |at: usize| {
        // The last word of a name stays.
        let all_have = words.iter().all(|words| words.len() > at + 1);
        all_have && words.iter().all(|other| other[at] == words[0][at])
    };
    let skipped = match names.len() {
        0 | 1 => 0,
        _ => (0..words[0].len()).take_while(|at| shared(*at)).count(),
    };
    words
        .iter()
        .map(|words| words[skipped..].join("-"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn names_are_told_without_the_words_that_all_begin_with() {
        assert_eq!(
            short(&["a-b-node-service", "a-b-client-service"]),
            ["node-service", "client-service"]
        );
        assert_eq!(short(&["a-b", "a-b-c"]), ["b", "b-c"]);
        assert_eq!(short(&["alone-here"]), ["alone-here"]);
        assert_eq!(short(&["x", "y"]), ["x", "y"]);
    }
}
