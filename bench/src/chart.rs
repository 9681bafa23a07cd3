//! The results as a picture: processor time and latency, a bar for each contender.

use std::fmt::Write as _;

use crate::contender::{FLOOR, H2C, OURS, QUIET, TRACED};
use crate::load::Outcome;
use crate::results::Results;

const WIDTH: f64 = 760.0;
const LABEL: f64 = 190.0;
const ROW: f64 = 26.0;
const TITLE: f64 = 44.0;

/// An SVG that reads on light and on dark paper.
pub(crate) fn svg(results: &Results) -> String {
    let panels = [
        panel(
            results,
            "CPU time of a rally through four nodes, 64 connections, µs",
            64,
            |o| o.cpu_us,
        ),
        panel(
            results,
            "Latency of a rally, one connection, p50, µs",
            1,
            |o| o.p50_us,
        ),
    ];
    let mut body = String::new();
    let mut top = 0.0;
    for (title, bars) in panels.into_iter().filter(|(_, bars)| !bars.is_empty()) {
        top = draw(&mut body, top, title, &bars);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\" role=\"img\">\n\
         <title>Less is better: CPU time and latency of a rally</title>\n\
         <style>text {{ fill: #24292f }} .other {{ fill: #8c959f }} .floor {{ fill: #bf8700 }} \
         .ours {{ fill: #0969da }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} \
         .ours {{ fill: #4493f8 }} }}</style>\n{body}</svg>\n",
        height = top + 10.0
    )
}

type Bar = (&'static str, f64);

fn panel<'a>(
    results: &Results,
    title: &'a str,
    connections: u32,
    pick: fn(&Outcome) -> f64,
) -> (&'a str, Vec<Bar>) {
    // Ours with more or less than everything on belong into the tables.
    let names = results.contenders.iter().map(|row| row.name);
    let names = names.filter(|name| ![QUIET, TRACED].contains(name));
    let bars = names.filter_map(|name| Some((name, results.find(name, connections, pick)?)));
    let mut bars: Vec<Bar> = bars.collect();
    bars.sort_by(|one, other| one.1.total_cmp(&other.1));
    (title, bars)
}

/// Draws a panel below `top`, and says where it ends.
fn draw(body: &mut String, top: f64, title: &str, bars: &[Bar]) -> f64 {
    let longest = bars.last().map_or(1.0, |(_, value)| *value);
    // Writing into a String does not fail.
    let _ = writeln!(
        body,
        "<text x=\"0\" y=\"{}\" font-weight=\"600\">{title}</text>",
        top + 24.0
    );
    let mut y = top + TITLE;
    for (name, value) in bars {
        let class = match *name {
            OURS | H2C => "ours",
            FLOOR => "floor",
            _ => "other",
        };
        let width = (value / longest * (WIDTH - LABEL - 70.0)).max(2.0);
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LABEL}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"18\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{}\">{value:.0}</text>",
            LABEL - 8.0,
            y + 14.0,
            LABEL + width + 6.0,
            y + 14.0,
        );
        y += ROW;
    }
    y
}
