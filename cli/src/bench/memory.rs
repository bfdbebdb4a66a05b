//! The memory of the roles over a whole round, as figures of their own. Pure.

use super::{
    figure::{Figure, Ratio, Target},
    meter::Costs,
    targets,
};

type Megabytes = fn(&Costs) -> Option<f64>;

/// The most that each role had resident in any of `figures`.
pub(super) fn figures(figures: &[Figure]) -> Vec<Figure> {
    let roles: [(&str, Megabytes); 2] = [
        ("ingest", |costs| costs.ingest_megabytes),
        ("worker", |costs| costs.worker_megabytes),
    ];
    let most = |(role, megabytes): (&str, Megabytes)| {
        let all = figures
            .iter()
            .filter_map(|figure| megabytes(figure.costs.as_ref()?));
        let most = all.max_by(f64::total_cmp)?;
        let of = format!("{} MB", targets::MEGABYTES);
        let ratio = Ratio::new(&of, most, Some(targets::MEGABYTES), Target::AtMost(1.0));
        Some(Figure::new("memory", role).judged(ratio))
    };
    roles.into_iter().filter_map(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_all_figures_is_judged() {
        let with = |ingest_megabytes| Figure {
            costs: Some(Costs {
                ingest_megabytes,
                ..Costs::default()
            }),
            ..Figure::default()
        };
        let found = figures(&[with(Some(40.0)), with(None), with(Some(101.0)), Figure::default()]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].met), ("ingest", Some(false)));
        assert_eq!(found[0].ratio.as_ref().map(|ratio| ratio.value), Some(1.01));
    }
}
