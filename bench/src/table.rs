//! The results as text.

use std::fmt::Write as _;

use crate::contender::{FLOOR, H2C, OURS, QUIET};
use crate::load::Outcome;
use crate::measure::{CHAIN_CONNECTIONS, NODE_CONNECTIONS};
use crate::results::{Cell, Chain, Results, Row, median};

/// Tables in Markdown, ratios, and what has to be known about them.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = writeln!(
        text,
        "\n{}; {}",
        results.machine,
        results.versions.join("; ")
    );
    let _ = writeln!(
        text,
        "medians of {} rounds, ± half the distance from the lowest to the highest\n",
        results.rounds
    );
    speed(results, &mut text);
    latency(results, &mut text);
    footprint(results, &mut text);
    chains(results, &mut text);
    ratios(results, &mut text);
    for (name, why) in &results.absent {
        let _ = writeln!(text, "left out: {name}: {why}");
    }
    for note in &results.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn speed(results: &Results, text: &mut String) {
    table(
        results,
        text,
        "rallies/s, CPU µs a rally",
        |row| full(row).collect(),
        |cell| {
            let rate = with_spread(cell, |outcome| outcome.per_second);
            format!("{rate}, {} µs", with_spread(cell, |outcome| outcome.cpu_us))
        },
    );
}

fn latency(results: &Results, text: &mut String) {
    table(
        results,
        text,
        "p50 / p99 / p999, µs",
        |row| full(row).chain(row.rated()).collect(),
        |cell| {
            let middle = with_spread(cell, |outcome| outcome.p50_us);
            let p99 = cell.median(|outcome| outcome.p99_us);
            let p999 = cell.median(|outcome| outcome.p999_us);
            format!("{middle} / {p99:.0} / {p999:.0}")
        },
    );
}

fn full(row: &Row) -> impl Iterator<Item = &Cell> {
    row.cells.iter().filter(|cell| cell.load.rate.is_none())
}

fn table(
    results: &Results,
    text: &mut String,
    title: &str,
    cells: impl Fn(&Row) -> Vec<&Cell>,
    show: impl Fn(&Cell) -> String,
) {
    let Some(first) = results.contenders.first() else {
        return;
    };
    let heads = cells(first).into_iter().map(|cell| {
        let connections = cell.load.connections;
        match cell.load.rate {
            Some(rate) => format!("{rate}/s over {connections}"),
            None => format!("{connections} connections"),
        }
    });
    let heads: Vec<String> = heads.collect();
    let _ = writeln!(text, "| {title} | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(heads.len()));
    for row in &results.contenders {
        let shown: Vec<String> = cells(row).into_iter().map(&show).collect();
        let _ = writeln!(text, "| {} | {} |", row.name, shown.join(" | "));
    }
    text.push('\n');
}

fn footprint(results: &Results, text: &mut String) {
    let _ = writeln!(
        text,
        "| a process | ready, ms | idle, MiB | after the loads, MiB |\n|---|---|---|---|"
    );
    for row in &results.contenders {
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.1} |",
            row.name,
            median(row.ready_ms.clone()),
            median(row.idle_mib.clone()),
            median(row.loaded_mib.clone())
        );
    }
    text.push('\n');
}

fn chains(results: &Results, text: &mut String) {
    if results.chains.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "| CPU µs a rally and hop, in a chain | nodes | {CHAIN_CONNECTIONS} connections | \
         {NODE_CONNECTIONS} a node |\n|---|---|---|---|"
    );
    for chain in &results.chains {
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {:.1} |",
            chain.name,
            chain.nodes,
            median(chain.hop_cpu_us.clone()),
            median(chain.hop_cpu_us_in_proportion.clone())
        );
    }
    text.push('\n');
}

/// What the goals in docs/performance.md are about, for each protocol.
fn ratios(results: &Results, text: &mut String) {
    for ours in [OURS, H2C] {
        goals(results, ours, text);
    }
}

fn goals(results: &Results, name: &str, text: &mut String) {
    let cpu = |outcome: &Outcome| outcome.cpu_us;
    let p50 = |outcome: &Outcome| outcome.p50_us;
    let mut say = |what: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {what}: {value:.2}");
        }
    };
    let ratio = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let ours = results.find(name, 64, cpu);
    for row in &results.contenders {
        let what = format!("CPU at 64 connections, {} to ours", row.name);
        let theirs = results.find(row.name, 64, cpu);
        say(&what, ratio(theirs, ours).filter(|_| row.name != name));
    }
    let floor = results.find(FLOOR, 64, cpu);
    say(
        "CPU at 64 connections, ours to the floor",
        ratio(ours, floor),
    );
    let (one, floor) = (results.find(name, 1, p50), results.find(FLOOR, 1, p50));
    say("p50 at 1 connection, ours to the floor", ratio(one, floor));
    let tail = results.find(name, 1, |outcome| outcome.p99_us);
    say("p99 to p50 at 1 connection", ratio(tail, one));
    let quiet = results.find(QUIET, 64, cpu).filter(|_| name == OURS);
    say(
        "CPU at 64 connections, all on to all off",
        ratio(ours, quiet),
    );
    let chains = results.chains.iter().filter(|chain| chain.name == name);
    if let [first, .., last] = chains.collect::<Vec<_>>()[..] {
        let longest_to_shortest = |cpu_us: fn(&Chain) -> &Vec<f64>| {
            Some(median(cpu_us(last).clone()) / median(cpu_us(first).clone()))
        };
        say(
            "CPU of a hop, in the longest chain to the shortest, same load",
            longest_to_shortest(|chain| &chain.hop_cpu_us),
        );
        say(
            "CPU of a hop, in the longest chain to the shortest, load in proportion",
            longest_to_shortest(|chain| &chain.hop_cpu_us_in_proportion),
        );
    }
    text.push('\n');
}

fn with_spread(cell: &Cell, pick: impl Fn(&Outcome) -> f64 + Copy) -> String {
    format!("{:.0} ±{:.0} %", cell.median(pick), cell.spread(pick))
}
