//! The figures that only a node has: its rallies and its hops.

use std::sync::Arc;
use std::time::Duration;

use chassis::metrics::{Buckets, Durations};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::error::Code;

#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) rallies_in_flight: Gauge,
    hops: Durations<HopLabels>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HopLabels {
    hop: Arc<str>,
    outcome: &'static str,
}

impl Figures {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let figures = Self {
            rallies_in_flight: Gauge::default(),
            hops: Durations::new_with_constructor(Buckets),
        };
        registry.register(
            "ping_pong_rallies_in_flight",
            "Rallies passing through this node now",
            figures.rallies_in_flight.clone(),
        );
        registry.register_with_unit(
            "ping_pong_hop_duration",
            "Duration of calls to the next nodes by outcome: ok or the error's code",
            Unit::Seconds,
            figures.hops.clone(),
        );
        figures
    }

    /// Records a call to the next node; `failure` is what it broke with.
    pub(crate) fn hop(&self, hop: &Arc<str>, failure: Option<Code>, took: Duration) {
        let labels = HopLabels {
            hop: Arc::clone(hop),
            outcome: failure.map_or("ok", Code::as_str),
        };
        self.hops.get_or_create(&labels).observe(took.as_secs_f64());
    }
}
