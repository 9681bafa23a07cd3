//! Round by round, contender by contender.

use std::time::Duration;

use crate::band::Band;
use crate::contender::{Contender, FLOOR, H2C, OURS};
use crate::load::{Load, counts_instructions};
use crate::machine;
use crate::results::{Cell, Chain, Results, Row, median};

/// The length of the chain in all loads but those about length.
const CHAIN: u16 = 4;

/// The load of a chain, whatever its length.
pub(crate) const CHAIN_CONNECTIONS: u32 = 16;

/// The load of a chain for each of its nodes: so each has as much to do at a time, whatever the length.
pub(crate) const NODE_CONNECTIONS: u32 = 4;

/// More than this share of a processor taken by others makes a figure doubtful.
const DISTURBED_PERCENT: u64 = 15;

/// What is measured of each contender.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) rounds: usize,
    pub(crate) seconds: u32,
    /// At full speed with each of these.
    pub(crate) connections: Vec<u32>,
    /// And at this rate, with 16.
    pub(crate) rate: u32,
    /// How long a quiet machine is waited for, each time.
    pub(crate) patience: Duration,
    /// Chains of these lengths, at full speed with 16 and with as many a node as the shortest then has.
    pub(crate) chains: Vec<u16>,
}

impl Course {
    pub(crate) fn run(
        &self,
        contenders: &[Contender],
        absent: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Results> {
        let mut results = Results {
            machine: machine::describe(),
            versions: machine::versions(),
            rounds: self.rounds,
            contenders: contenders
                .iter()
                .map(|found| self.row(found.name))
                .collect(),
            absent,
            chains: Vec::new(),
            notes: Vec::new(),
        };
        let counted = counts_instructions();
        if let Err(why) = &counted {
            let note =
                format!("instructions are left out: {why}; bench/guard counts them otherwise");
            results.notes.push(note);
        }
        for round in 1..=self.rounds {
            for (contender, number) in contenders.iter().zip(0..) {
                eprintln!("round {round} of {}: {}", self.rounds, contender.name);
                let what = format!("round {round}, {}", contender.name);
                self.settle(&what, &mut results.notes);
                let row = &mut results.contenders[number];
                let others = perform(contender, row, counted.is_ok())?;
                results.notes.extend(disturbed(&what, others));
            }
        }
        let long = |found: &&Contender| [OURS, H2C, FLOOR].contains(&found.name);
        for contender in contenders.iter().filter(long) {
            for nodes in &self.chains {
                let chain = self.chain(contender, *nodes, &mut results.notes)?;
                results.chains.push(chain);
            }
        }
        Ok(results)
    }

    fn settle(&self, what: &str, notes: &mut Vec<String>) {
        if let Err(busy) = machine::wait_until_quiet(self.patience) {
            notes.push(format!(
                "{what}: begun although {busy} % of a processor was busy"
            ));
        }
    }

    fn row(&self, name: &'static str) -> Row {
        let full = self.connections.iter().map(|connections| Load {
            connections: *connections,
            rate: None,
            seconds: self.seconds,
        });
        let steady = Load {
            connections: 16,
            rate: Some(self.rate),
            seconds: self.seconds,
        };
        Row {
            name,
            cells: full
                .chain([steady])
                .map(|load| Cell {
                    load,
                    outcomes: Vec::new(),
                })
                .collect(),
            ready_ms: Vec::new(),
            idle_mib: Vec::new(),
            loaded_mib: Vec::new(),
        }
    }

    /// All rounds of a chain, one after the other: it takes long to start.
    fn chain(
        &self,
        contender: &Contender,
        length: u16,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Chain> {
        let what = format!("a chain of {length}, {}", contender.name);
        eprintln!("{what}");
        self.settle(&what, notes);
        let band = Band::start(contender, length)?;
        warm_up(&band)?;
        let load = |connections| Load {
            connections,
            rate: None,
            seconds: self.seconds,
        };
        let (mut alike, mut spread) = (Vec::new(), Vec::new());
        let mut others = 0;
        for _ in 0..self.rounds {
            for (connections, cpu_us) in [
                (CHAIN_CONNECTIONS, &mut alike),
                (NODE_CONNECTIONS * u32::from(length), &mut spread),
            ] {
                let outcome = load(connections).run(&band, false)?;
                cpu_us.push(outcome.cpu_us / f64::from(length - 1));
                others = others.max(outcome.others_percent);
            }
        }
        notes.extend(disturbed(&what, others));
        Ok(Chain {
            name: contender.name,
            nodes: length,
            hop_cpu_us: alike,
            hop_cpu_us_in_proportion: spread,
        })
    }
}

/// What is to be said where others took so much of a processor.
fn disturbed(what: &str, percent: u64) -> Option<String> {
    (percent > DISTURBED_PERCENT).then(|| format!("{what}: others took {percent} % of a processor"))
}

/// One contender's part of a round; the most that others took meanwhile, in per cent of a processor.
fn perform(contender: &Contender, row: &mut Row, count: bool) -> anyhow::Result<u64> {
    let band = Band::start(contender, CHAIN)?;
    let ready = band.ready.iter().map(|ready| ready.as_secs_f64() * 1e3);
    row.ready_ms.push(median(ready.collect()));
    row.idle_mib.push(mib(band.resident_bytes()));
    warm_up(&band)?;
    let mut most = 0;
    for cell in &mut row.cells {
        let outcome = cell.load.run(&band, count)?;
        most = most.max(outcome.others_percent);
        cell.outcomes.push(outcome);
    }
    row.loaded_mib.push(mib(band.resident_bytes()));
    Ok(most)
}

/// Connections open, code compiled, memory in use: what every one of them needs once.
fn warm_up(band: &Band) -> anyhow::Result<()> {
    let load = Load {
        connections: 64,
        rate: None,
        seconds: 1,
    };
    load.run(band, false).map(drop)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
