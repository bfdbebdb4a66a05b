//! A measured figure, the floors beside it, and whether it is good enough. Pure.

use serde::{Deserialize, Serialize};

use super::{load::Latency, meter::Costs};

/// The floors beside a figure: each the mean of a measurement before and one after it, in events a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FloorRates {
    /// The broker: one confirmed message for each event.
    pub(crate) b: Option<f64>,
    /// The database: the rows of a sale, in batches.
    pub(crate) d: Option<f64>,
    /// HTTP: a handler that only parses the body.
    pub(crate) h: Option<f64>,
}

impl FloorRates {
    /// Of those before and after; of one of them where there is no other.
    pub(crate) fn mean(before: Self, after: Self) -> Self {
        let mean = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(f64::midpoint(a, b)),
            (one, other) => one.or(other),
        };
        Self {
            b: mean(before.b, after.b),
            d: mean(before.d, after.d),
            h: mean(before.h, after.h),
        }
    }
}

/// What a ratio must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Measured for its own sake.
    None,
}

impl Target {
    /// `None` where there is nothing to be reached.
    pub(crate) fn is_met(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(ratio >= least),
            Self::AtMost(most) => Some(ratio <= most),
            Self::None => None,
        }
    }
}

/// A figure as part of what it is measured against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ratio {
    /// Such as `B`.
    pub(crate) of: String,
    pub(crate) value: f64,
    pub(crate) target: Target,
}

impl Ratio {
    /// `None` where what it would be a part of is not known.
    pub(crate) fn new(of: &str, value: f64, whole: Option<f64>, target: Target) -> Option<Self> {
        let whole = whole.filter(|whole| *whole > 0.0)?;
        Some(Self {
            of: of.to_owned(),
            value: value / whole,
            target,
        })
    }
}

/// One line of the result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) scenario: String,
    /// What of it, such as `64 connections`.
    pub(crate) name: String,
    pub(crate) per_second: Option<f64>,
    pub(crate) latency: Option<Latency>,
    pub(crate) floors: FloorRates,
    pub(crate) ratio: Option<Ratio>,
    /// Whether the ratio reaches its target; null: it has none.
    pub(crate) met: Option<bool>,
    pub(crate) costs: Option<Costs>,
    /// Of one processor, what the load itself took.
    pub(crate) load_share: Option<f64>,
    /// Answers that were receipts, of a hundred.
    pub(crate) receipts_percent: Option<f64>,
}

impl Figure {
    pub(crate) fn new(scenario: &str, name: &str) -> Self {
        Self {
            scenario: scenario.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// With the ratio, if there is one, and the verdict on it.
    pub(crate) fn judged(mut self, ratio: Option<Ratio>) -> Self {
        self.met = ratio.as_ref().and_then(|ratio| ratio.target.is_met(ratio.value));
        self.ratio = ratio;
        self
    }
}

/// The figures of several rounds as one: of each number the median. Figures are the same by scenario and name.
pub(crate) fn median_of(rounds: &[Vec<Figure>]) -> Vec<Figure> {
    let Some(first) = rounds.first() else {
        return Vec::new();
    };
    let merge = |figure: &Figure| {
        let same: Vec<&Figure> = rounds
            .iter()
            .flatten()
            .filter(|other| other.scenario == figure.scenario && other.name == figure.name)
            .collect();
        let of =
            |number: &dyn Fn(&Figure) -> Option<f64>| median(same.iter().filter_map(|figure| number(figure)));
        let latency = |number: &dyn Fn(&Latency) -> f64| of(&|figure| figure.latency.as_ref().map(number));
        let ratio = figure.ratio.as_ref().and_then(|ratio| {
            Some(Ratio {
                value: of(&|figure| figure.ratio.as_ref().map(|ratio| ratio.value))?,
                ..ratio.clone()
            })
        });
        let merged = Figure {
            per_second: of(&|figure| figure.per_second),
            latency: latency(&|all| all.p50).map(|p50| Latency {
                p50,
                p99: latency(&|all| all.p99).unwrap_or_default(),
                p999: latency(&|all| all.p999).unwrap_or_default(),
            }),
            floors: FloorRates {
                b: of(&|figure| figure.floors.b),
                d: of(&|figure| figure.floors.d),
                h: of(&|figure| figure.floors.h),
            },
            costs: figure.costs.map(|_| costs(&of)),
            load_share: of(&|figure| figure.load_share),
            receipts_percent: of(&|figure| figure.receipts_percent),
            ..figure.clone()
        };
        merged.judged(ratio)
    };
    first.iter().map(merge).collect()
}

fn costs(of: &impl Fn(&dyn Fn(&Figure) -> Option<f64>) -> Option<f64>) -> Costs {
    Costs {
        ingest_micros: of(&|figure| figure.costs?.ingest_micros),
        worker_micros: of(&|figure| figure.costs?.worker_micros),
        postgres_micros: of(&|figure| figure.costs?.postgres_micros),
        broker_micros: of(&|figure| figure.costs?.broker_micros),
        wal_bytes: of(&|figure| figure.costs?.wal_bytes),
        statements: of(&|figure| figure.costs?.statements),
        commits_per_1000: of(&|figure| figure.costs?.commits_per_1000),
        flushes_per_1000: of(&|figure| figure.costs?.flushes_per_1000),
        ingest_megabytes: of(&|figure| figure.costs?.ingest_megabytes),
        worker_megabytes: of(&|figure| figure.costs?.worker_megabytes),
    }
}

/// The middle one; of an even number the mean of the two.
pub(crate) fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let upper = *numbers.get(numbers.len() / 2)?;
    let lower = *numbers.get((numbers.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_judged_by_its_target() {
        let ratio = |value, target| Ratio::new("B", value, Some(1_000.0), target);
        let judged = |ratio| Figure::new("sync", "maximum").judged(ratio).met;
        assert_eq!(judged(ratio(800.0, Target::AtLeast(0.8))), Some(true));
        assert_eq!(judged(ratio(799.0, Target::AtLeast(0.8))), Some(false));
        assert_eq!(judged(ratio(1_500.0, Target::AtMost(1.5))), Some(true));
        assert_eq!(judged(ratio(1_501.0, Target::AtMost(1.5))), Some(false));
        assert_eq!(judged(ratio(1.0, Target::None)), None);
        assert_eq!(Ratio::new("B", 1.0, None, Target::AtLeast(0.8)), None);
        assert_eq!(Ratio::new("B", 1.0, Some(0.0), Target::AtLeast(0.8)), None);
    }

    #[test]
    fn floors_are_means_of_before_and_after() {
        let before = FloorRates {
            b: Some(10.0),
            d: Some(4.0),
            h: None,
        };
        let after = FloorRates {
            b: Some(20.0),
            d: None,
            h: None,
        };
        let mean = FloorRates::mean(before, after);
        assert_eq!((mean.b, mean.d, mean.h), (Some(15.0), Some(4.0), None));
    }

    #[test]
    fn of_several_rounds_the_median_is_told_and_judged() {
        let round = |value: f64| {
            let mut figure = Figure::new("sync", "maximum");
            figure.per_second = Some(value * 1_000.0);
            figure.judged(Ratio::new("B", value, Some(1.0), Target::AtLeast(0.8)))
        };
        let merged = median_of(&[vec![round(0.9)], vec![round(0.7)], vec![round(0.85)]]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].per_second, Some(850.0));
        assert_eq!(merged[0].ratio.as_ref().map(|ratio| ratio.value), Some(0.85));
        assert_eq!(merged[0].met, Some(true));
        assert_eq!(median([1.0, 2.0].into_iter()), Some(1.5));
        assert_eq!(median(std::iter::empty()), None);
        assert!(median_of(&[]).is_empty());
    }
}
