//! The result: a table for people, and a document for scripts.

use serde::{Deserialize, Serialize};

use super::{
    chart,
    figure::{Figure, Target, median_of},
    proof::Proof,
};
use crate::print::{self, Rows};

/// The whole result, as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) version: String,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    /// Processors of this machine.
    pub(crate) processors: usize,
    /// Of the database: whether a commit is durable, and what room it has.
    pub(crate) settings: Vec<(String, String)>,
    /// Of several rounds the medians.
    pub(crate) figures: Vec<Figure>,
    pub(crate) proofs: Vec<Proof>,
    /// Every proof holds.
    pub(crate) proved: bool,
}

impl Report {
    pub(crate) fn new(
        seconds: u64,
        settings: Vec<(String, String)>,
        rounds: &[Vec<Figure>],
        proofs: Vec<Proof>,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rounds: rounds.len(),
            seconds,
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            settings,
            figures: median_of(rounds),
            proved: proofs.iter().all(|proof| proof.holds),
            proofs,
        }
    }

    /// The figures that have a target, as one chart.
    pub(crate) fn svg(&self) -> String {
        chart::chart(&self.figures)
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        let mut text = figures(&self.figures).trim_fmt();
        let with_costs: Vec<&Figure> = self
            .figures
            .iter()
            .filter(|figure| figure.costs.is_some())
            .collect();
        if !with_costs.is_empty() {
            text = format!("{text}\n\nwhat an event cost\n{}", costs(&with_costs).trim_fmt());
        }
        format!("{text}\n\n{}", proofs(&self.proofs).trim_fmt())
    }
}

fn figures(figures: &[Figure]) -> Rows {
    let mut rows = print::table(&[
        "SCENARIO", "", "EVENTS/S", "P50 MS", "P99 MS", "P99.9 MS", "B/S", "D/S", "H/S", "RATIO", "OF",
        "TARGET", "",
    ]);
    for column in 2..=9 {
        rows.align_right(column);
    }
    for figure in figures {
        let ratio = figure.ratio.as_ref();
        let latency = figure.latency.as_ref();
        rows.add_row([
            figure.scenario.clone(),
            figure.name.clone(),
            shown(figure.per_second, 0),
            shown(latency.map(|latency| latency.p50), 2),
            shown(latency.map(|latency| latency.p99), 2),
            shown(latency.map(|latency| latency.p999), 2),
            shown(figure.floors.b, 0),
            shown(figure.floors.d, 0),
            shown(figure.floors.h, 0),
            shown(ratio.map(|ratio| ratio.value), 2),
            ratio.map(|ratio| ratio.of.clone()).unwrap_or_default(),
            ratio.map(|ratio| target(ratio.target)).unwrap_or_default(),
            verdict(figure.met).to_owned(),
        ]);
    }
    rows
}

fn costs(figures: &[&Figure]) -> Rows {
    let mut rows = print::table(&[
        "SCENARIO",
        "",
        "INGEST µS",
        "WORKER µS",
        "POSTGRES µS",
        "BROKER µS",
        "LOAD CPU",
        "WAL BYTES",
        "STATEMENTS",
        "COMMITS/1000",
        "FLUSHES/1000",
        "INGEST MB",
        "WORKER MB",
    ]);
    for column in 2..=12 {
        rows.align_right(column);
    }
    for figure in figures {
        let costs = figure.costs.unwrap_or_default();
        rows.add_row([
            figure.scenario.clone(),
            figure.name.clone(),
            shown(costs.ingest_micros, 1),
            shown(costs.worker_micros, 1),
            shown(costs.postgres_micros, 1),
            shown(costs.broker_micros, 1),
            shown(figure.load_share, 2),
            shown(costs.wal_bytes, 0),
            shown(costs.statements, 3),
            shown(costs.commits_per_1000, 1),
            shown(costs.flushes_per_1000, 1),
            shown(costs.ingest_megabytes, 0),
            shown(costs.worker_megabytes, 0),
        ]);
    }
    rows
}

fn proofs(proofs: &[Proof]) -> Rows {
    let mut rows = print::table(&[
        "PROOF OF",
        "ANSWERED",
        "REFUSED",
        "NOT ANSWERED",
        "APPLIED",
        "REFUSED",
        "LEFT OVER",
        "LEDGER VIOLATIONS",
        "",
    ]);
    for proof in proofs {
        rows.add_row([
            proof.scenario.clone(),
            proof.answered.to_string(),
            proof.answered_refused.to_string(),
            proof.unanswered.to_string(),
            proof.applied.to_string(),
            proof.refused.to_string(),
            proof.left_over.to_string(),
            proof.ledger_violations.to_string(),
            if proof.holds { "holds" } else { "FAILED" }.to_owned(),
        ]);
    }
    rows
}

fn shown(number: Option<f64>, decimals: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.decimals$}"))
}

fn target(target: Target) -> String {
    match target {
        Target::AtLeast(least) => format!(">= {least}"),
        Target::AtMost(most) => format!("<= {most}"),
        Target::None => String::new(),
    }
}

fn verdict(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    }
}
