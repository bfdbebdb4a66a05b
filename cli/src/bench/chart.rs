//! One chart of the result: how far each figure with a target reaches it. Plain SVG, without a script or a font of its own. Pure.

use std::fmt::Write as _;

use super::figure::{Figure, Ratio, Target};

const WIDTH: f64 = 900.0;
const LABEL: f64 = 330.0;
const ROW: f64 = 26.0;
const TOP: f64 = 48.0;
/// Where a bar ends that reaches its target; one beyond twice of that is cut.
const TO_TARGET: f64 = 240.0;
const MOST: f64 = 2.0;
const GOOD: &str = "#2e7d4f";
const BAD: &str = "#b3402e";

/// The figures that have a target.
pub(super) fn chart(figures: &[Figure]) -> String {
    let bars: Vec<(&Figure, &Ratio, f64)> = figures
        .iter()
        .filter_map(|figure| Some((figure, figure.ratio.as_ref()?, reached(figure.ratio.as_ref()?)?)))
        .collect();
    let rows = f64::from(u32::try_from(bars.len()).unwrap_or(u32::MAX));
    let height = TOP + rows * ROW + 16.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\">commissary bench: figures as parts of their targets</text>\n"
    );
    let mut y = TOP;
    for (figure, ratio, reached) in bars {
        let colour = if figure.met == Some(false) { BAD } else { GOOD };
        let length = reached.min(MOST) * TO_TARGET;
        let label = escaped(&format!("{}: {}", figure.scenario, figure.name));
        let value = escaped(&format!(
            "{:.2} {} ({})",
            ratio.value,
            ratio.of,
            told(ratio.target)
        ));
        // Writing to a String cannot fail.
        write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>\n\
             <rect x=\"{LABEL:.0}\" y=\"{y:.0}\" width=\"{length:.1}\" height=\"{:.0}\" fill=\"{colour}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"#333333\">{value}</text>\n",
            LABEL - 10.0,
            y + 14.0,
            ROW - 8.0,
            LABEL + length + 8.0,
            y + 14.0,
        )
        .unwrap_or_default();
        y += ROW;
    }
    let line = LABEL + TO_TARGET;
    write!(
        svg,
        "<line x1=\"{line:.0}\" x2=\"{line:.0}\" y1=\"{:.0}\" y2=\"{y:.0}\" stroke=\"#222222\" stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{line:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#222222\">target</text>\n</svg>\n",
        TOP - 6.0,
        TOP - 10.0,
    )
    .unwrap_or_default();
    svg
}

/// How much of its target a ratio reaches: above 1 is better. `None` without one.
fn reached(ratio: &Ratio) -> Option<f64> {
    match ratio.target {
        Target::AtLeast(least) => Some(ratio.value / least),
        Target::AtMost(most) => Some(most / ratio.value.max(f64::MIN_POSITIVE)),
        Target::None => None,
    }
}

fn told(target: Target) -> String {
    match target {
        Target::AtLeast(least) => format!("at least {least}"),
        Target::AtMost(most) => format!("at most {most}"),
        Target::None => String::new(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, value: f64, target: Target) -> Figure {
        Figure::new("sync", name).judged(Ratio::new("B", value, Some(1.0), target))
    }

    #[test]
    fn bars_reach_the_line_when_targets_are_met() {
        let svg = chart(&[
            figure("a <b> & c", 0.8, Target::AtLeast(0.8)),
            figure("slow", 3.0, Target::AtMost(1.5)),
            figure("far", 9.0, Target::AtLeast(1.0)),
            figure("without", 9.0, Target::None),
        ]);
        assert!(svg.contains("sync: a &lt;b&gt; &amp; c"), "{svg}");
        assert!(
            svg.contains(&format!("width=\"240.0\" height=\"18\" fill=\"{GOOD}\"")),
            "{svg}"
        );
        assert!(
            svg.contains(&format!("width=\"120.0\" height=\"18\" fill=\"{BAD}\"")),
            "{svg}"
        );
        assert!(svg.contains("width=\"480.0\""), "{svg}");
        assert!(!svg.contains("without"), "{svg}");
        assert_eq!(svg.matches("<rect x").count(), 3);
    }
}
