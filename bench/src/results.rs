//! All that was measured, and what it comes to.

use serde::Serialize;

use crate::load::{Load, Outcome};

/// One run of the whole program.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) versions: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) contenders: Vec<Row>,
    /// Who was left out, and why.
    pub(crate) absent: Vec<(&'static str, String)>,
    pub(crate) chains: Vec<Chain>,
    /// What a reader has to know.
    pub(crate) notes: Vec<String>,
}

/// One contender.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) cells: Vec<Cell>,
    pub(crate) ready_ms: Vec<f64>,
    pub(crate) idle_mib: Vec<f64>,
    pub(crate) loaded_mib: Vec<f64>,
}

/// One load, in each round.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    pub(crate) load: Load,
    pub(crate) outcomes: Vec<Outcome>,
}

/// What a rally costs in a chain of some length.
#[derive(Debug, Serialize)]
pub(crate) struct Chain {
    pub(crate) name: &'static str,
    pub(crate) nodes: u16,
    /// Processor time of a rally for each of its hops, in each round: under the same load at every length.
    pub(crate) hop_cpu_us: Vec<f64>,
    /// The same under a load in proportion to the length.
    pub(crate) hop_cpu_us_in_proportion: Vec<f64>,
}

impl Results {
    /// What `pick` finds in the cell of `name` under a load of `connections`, at full speed.
    pub(crate) fn find(
        &self,
        name: &str,
        connections: u32,
        pick: impl Fn(&Outcome) -> f64,
    ) -> Option<f64> {
        let row = self.contenders.iter().find(|row| row.name == name)?;
        Some(row.cell(connections, false)?.median(pick))
    }
}

impl Row {
    /// The load of `connections`, at full speed or at the fixed rate.
    pub(crate) fn cell(&self, connections: u32, rated: bool) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.load.connections == connections && cell.load.rate.is_some() == rated)
    }

    /// The load at the fixed rate.
    pub(crate) fn rated(&self) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.load.rate.is_some())
    }
}

impl Cell {
    pub(crate) fn median(&self, pick: impl Fn(&Outcome) -> f64) -> f64 {
        median(self.outcomes.iter().map(pick).collect())
    }

    /// Half the distance between the highest and the lowest round, in per cent of the median.
    pub(crate) fn spread(&self, pick: impl Fn(&Outcome) -> f64) -> f64 {
        let values: Vec<f64> = self.outcomes.iter().map(pick).collect();
        let high = values.iter().copied().fold(f64::MIN, f64::max);
        let low = values.iter().copied().fold(f64::MAX, f64::min);
        (high - low) / 2.0 / median(values) * 100.0
    }
}

/// The middle value; of two, the mean.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (_, None) => f64::NAN,
        (0, Some(high)) => f64::midpoint(values[middle - 1], *high),
        (_, Some(value)) => *value,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_one() {
        let medians = [vec![3.0, 1.0, 2.0], vec![4.0, 1.0], vec![7.0]].map(median);
        assert_eq!(medians.map(|value| value.to_string()), ["2", "2.5", "7"]);
    }
}
