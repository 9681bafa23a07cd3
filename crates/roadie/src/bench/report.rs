//! What is said of a load in the end.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::hops::Hops;
use crate::load::{Histogram, Pace, Plan, Tally};
use crate::stdio;

/// The width of the longest bar.
const BAR: u64 = 40;

/// The parts of a thousand by which latencies are told, and their names.
const QUANTILES: [(&str, u64); 4] = [("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999)];

pub(super) struct Report {
    url: String,
    connections: usize,
    rate: Option<f64>,
    tally: Tally,
    hops: Hops,
}

impl Report {
    pub(super) fn new(url: &str, plan: &Plan, tally: Tally, hops: Hops) -> Self {
        let rate = match plan.pace {
            Pace::Closed => None,
            Pace::Rate(rate) => Some(rate),
        };
        Self {
            url: url.to_owned(),
            connections: plan.connections,
            rate,
            tally,
            hops,
        }
    }

    /// Whether something was asked, and all answers were good.
    pub(super) fn is_good(&self) -> bool {
        self.tally.requests() > 0 && self.tally.failed() == 0
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { tally, hops, .. } = self;
        let pace = match self.rate {
            Some(rate) => format!("{rate} requests a second"),
            None => "as fast as answers come".to_owned(),
        };
        let mut lines = vec![
            format!("{}: {} connections, {pace}", self.url, self.connections),
            format!(
                "  answers   {} good, {} not, in {:.1} s: {} a second",
                grouped(tally.latency.count()),
                grouped(tally.failed()),
                tally.took.as_secs_f64(),
                grouped(per_second(tally)),
            ),
        ];
        for (kind, count) in &tally.errors {
            lines.push(format!("  failed    {} × {kind}", grouped(*count)));
        }
        if tally.latency.count() > 0 {
            let mut latency = "  latency ".to_owned();
            for (name, per_mille) in QUANTILES {
                let found = time(tally.latency.quantile(per_mille));
                // Writing into a String does not fail.
                let _ = write!(latency, "  {name} {found}");
            }
            lines.push(format!("{latency}  most {}", time(tally.latency.most())));
            lines.extend(bars(&tally.latency));
        }
        if let Some((node, own)) = hops.slowest() {
            lines.push(format!(
                "  hops      {node} is the slowest: it takes {} itself",
                time(own)
            ));
            for (node, own) in &hops.own {
                let (middle, most) = (time(own.quantile(500)), time(own.quantile(990)));
                lines.push(format!("            {node}  p50 {middle}  p99 {most}"));
            }
        }
        for (who, count) in &hops.answered {
            let zone = who.zone.as_deref().unwrap_or("no zone");
            lines.push(format!(
                "  answered  {} {} ({zone}), {} of the rallies looked into",
                who.node,
                who.release,
                grouped(*count)
            ));
        }
        lines.join("\n") + "\n"
    }

    /// One object: members may come, none goes.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        let Self { tally, hops, .. } = self;
        let own = |(node, own): &(String, Histogram)| json!({"node": node, "rallies": own.count(), "own_us": latency(own)});
        let who = hops.answered.iter().map(|(who, count)| {
            json!({
                "node": who.node,
                "release": who.release,
                "availability_zone": who.zone,
                "rallies": count,
            })
        });
        let json = json!({
            "url": self.url,
            "connections": self.connections,
            "rate": self.rate,
            "seconds": tally.took.as_secs_f64(),
            "requests": tally.requests(),
            "good": tally.latency.count(),
            "failed": tally.failed(),
            "per_second": per_second(tally),
            "latency_us": latency(&tally.latency),
            "errors": tally.errors,
            "slowest_hop": hops.slowest().map(|(node, _)| node),
            "hops": hops.own.iter().map(own).collect::<Vec<_>>(),
            "answered_by": who.collect::<Vec<_>>(),
        });
        Ok(stdio::json(&json)?)
    }
}

/// Good answers a second.
fn per_second(tally: &Tally) -> u64 {
    let ms = u64::try_from(tally.took.as_millis()).unwrap_or(u64::MAX);
    tally.latency.count() * 1000 / ms.max(1)
}

fn latency(histogram: &Histogram) -> Value {
    let us = |duration: Duration| duration.as_secs_f64() * 1e6;
    let mut latency: serde_json::Map<_, _> = QUANTILES
        .map(|(name, per_mille)| (name.to_owned(), us(histogram.quantile(per_mille)).into()))
        .into_iter()
        .collect();
    latency.insert("max".to_owned(), us(histogram.most()).into());
    latency.insert("mean".to_owned(), us(histogram.mean()).into());
    latency.into()
}

fn bars(histogram: &Histogram) -> Vec<String> {
    let bars = histogram.doublings();
    let longest = bars.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let line = |(bound, count): &(Duration, u64)| {
        // A bar that stands for something is seen.
        let width = (count * BAR).div_ceil(longest.max(1));
        let bar = "█".repeat(usize::try_from(width).unwrap_or_default());
        let bound = time(*bound);
        format!("            ≤ {bound:>8}  {bar} {}", grouped(*count))
    };
    bars.iter().map(line).collect()
}

/// Three significant digits and a unit.
pub(super) fn time(duration: Duration) -> String {
    let us = duration.as_secs_f64() * 1e6;
    match us {
        ..999.5 => format!("{us:.0} µs"),
        ..9_995.0 => format!("{:.2} ms", us / 1e3),
        ..99_950.0 => format!("{:.1} ms", us / 1e3),
        ..999_500.0 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}

/// With a comma every three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_easy_to_read() {
        assert_eq!(
            [1, 999, 1000, 1_234_567].map(grouped).join(" "),
            "1 999 1,000 1,234,567"
        );
        let times = [7, 999, 1_234, 45_600, 456_000, 2_000_000];
        let times = times.map(|us| time(Duration::from_micros(us)));
        assert_eq!(
            times.join("; "),
            "7 µs; 999 µs; 1.23 ms; 45.6 ms; 456 ms; 2.00 s"
        );
    }
}
