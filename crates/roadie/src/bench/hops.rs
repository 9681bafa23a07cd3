//! Which node is slow, and who answers: a rally with details, now and then while the load lasts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::is_plain;
use crate::load::{Answer, Histogram, Load, Pace, Plan};

/// Rallies with details a second: enough to learn from, too few to weigh.
const RATE: f64 = 20.0;

/// Asks for hops until it is ended.
pub(super) struct Sampler {
    load: Load,
    hops: Arc<Mutex<Hops>>,
}

/// What rallies with details told.
#[derive(Clone, Debug, Default)]
pub(super) struct Hops {
    /// How long each node took itself, in the order in which they were met first.
    pub(super) own: Vec<(String, Histogram)>,
    /// How often each revision of each node answered, and in which zone.
    pub(super) answered: BTreeMap<Who, u64>,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    pub(super) node: String,
    pub(super) release: String,
    pub(super) zone: Option<String>,
}

#[derive(Deserialize)]
struct Detail {
    node: String,
    release: String,
    instance: Instance,
    total_us: u64,
    hops: Vec<Hop>,
}

#[derive(Deserialize)]
struct Hop {
    node: String,
    from: String,
    duration_us: u64,
    own_us: Option<u64>,
    release: Option<String>,
    instance: Option<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    availability_zone: Option<String>,
}

impl Sampler {
    pub(super) fn start(plan: &Plan) -> Self {
        let hops = Arc::new(Mutex::new(Hops::default()));
        let plan = Plan {
            path: format!("{}?detail=hops", plan.path),
            connections: 1,
            pace: Pace::Rate(RATE),
            requests: None,
            ..plan.clone()
        };
        let heard = Arc::clone(&hops);
        let load = Load::start(&plan, move |answer: &Answer<'_>| {
            // Others than nodes answer something else, or an error: nothing is learned from it.
            if let Ok(detail) = serde_json::from_slice(answer.body) {
                let mut hops = heard.lock().unwrap_or_else(PoisonError::into_inner);
                hops.learn(detail);
            }
            Ok(())
        });
        Self { load, hops }
    }

    pub(super) async fn end(self) -> Hops {
        self.load.end().await;
        let hops = self.hops.lock().unwrap_or_else(PoisonError::into_inner);
        hops.clone()
    }
}

impl Hops {
    /// The node that takes most time itself, in the middle of all rallies, and how much.
    pub(super) fn slowest(&self) -> Option<(&str, Duration)> {
        let middle = self
            .own
            .iter()
            .map(|(node, own)| (node.as_str(), own.quantile(500)));
        middle.max_by_key(|(_, own)| *own)
    }

    fn learn(&mut self, detail: Detail) {
        // The node that was asked is no hop of its own rally: what its hops did not take is its own.
        let waited = detail.hops.iter().filter(|hop| hop.from == detail.node);
        let waited = waited.map(|hop| hop.duration_us).max();
        let own = detail.total_us.saturating_sub(waited.unwrap_or_default());
        self.note(
            detail.node,
            Some(own),
            Some(detail.release),
            Some(detail.instance),
        );
        for hop in detail.hops {
            self.note(hop.node, hop.own_us, hop.release, hop.instance);
        }
    }

    fn note(
        &mut self,
        node: String,
        own_us: Option<u64>,
        release: Option<String>,
        instance: Option<Instance>,
    ) {
        /// The longest path there is, with room for a fan-out.
        const MAX_NODES: usize = 256;
        let words = [Some(&node), release.as_ref()];
        if !words.into_iter().flatten().all(|word| is_plain(word)) || self.own.len() >= MAX_NODES {
            return;
        }
        if let Some(us) = own_us {
            let known = self.own.iter().position(|(known, _)| *known == node);
            let known = known.unwrap_or_else(|| {
                self.own.push((node.clone(), Histogram::default()));
                self.own.len() - 1
            });
            self.own[known].1.record(Duration::from_micros(us));
        }
        if let Some(release) = release {
            let zone = instance.and_then(|instance| instance.availability_zone);
            let zone = zone.filter(|zone| is_plain(zone));
            let who = Who {
                node,
                release,
                zone,
            };
            *self.answered.entry(who).or_default() += 1;
        }
    }
}
