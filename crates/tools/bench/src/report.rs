//! What is printed: one table a workload, medians with their spread, ratios, faults; the same as JSON.

use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use serde_json::{Value, json};

use crate::ledger::Faults;

/// One figure of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    /// Larger is better; else smaller is.
    pub(crate) is_rate: bool,
}

impl Figure {
    pub(crate) fn rate(name: &'static str, value: f64) -> Self {
        Self { name, unit: "msg/s", value, is_rate: true }
    }

    pub(crate) fn cost(name: &'static str, unit: &'static str, value: f64) -> Self {
        Self { name, unit, value, is_rate: false }
    }
}

/// What one target gave in one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) figures: Vec<Figure>,
    pub(crate) faults: Faults,
}

/// All rounds of one target.
pub(crate) struct Series {
    pub(crate) target: String,
    pub(crate) rounds: Vec<Outcome>,
}

fn sorted(series: &Series, index: usize) -> Vec<f64> {
    let mut values: Vec<f64> = series
        .rounds
        .iter()
        .filter_map(|round| round.figures.get(index))
        .map(|figure| figure.value)
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(values: &[f64]) -> f64 {
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => (low + high) / 2.0,
        (_, Some(value)) => *value,
        _ => 0.0,
    }
}

fn number(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.0}k", value / 1e3),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

/// Name of the null broker among the targets.
pub(crate) const NULL: &str = "null";

/// The table of a workload. Ratios are to `baseline`: above 1 is better, whatever the figure. Where the null broker ran
/// too, each rate's share of its rate stands beside.
pub(crate) fn table(workload: &str, about: &str, series: &[Series], baseline: Option<&str>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["target", "figure", "median", "min - max", "ratio", "of null", "faults"]);
    let null = series.iter().find(|series| series.target == NULL);
    let base = baseline.and_then(|name| series.iter().find(|series| series.target == name));
    for one in series {
        let mut faults = Faults::default();
        one.rounds.iter().for_each(|round| faults.add(&round.faults));
        let Some(first) = one.rounds.first() else { continue };
        for (index, figure) in first.figures.iter().enumerate() {
            let values = sorted(one, index);
            let middle = median(&values);
            let ratio =
                base.map(|base| median(&sorted(base, index))).filter(|base| *base > 0.0 && middle > 0.0);
            let ratio = ratio.map_or(String::new(), |base| {
                format!("{:.2}x", if figure.is_rate { middle / base } else { base / middle })
            });
            let share = null.filter(|_| figure.is_rate).map(|null| median(&sorted(null, index)));
            let share = share.filter(|rate| *rate > 0.0);
            let share = share.map_or(String::new(), |rate| format!("{:.0}%", middle / rate * 100.0));
            let (low, high) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
            table.add_row([
                if index == 0 { one.target.clone() } else { String::new() },
                figure.name.to_owned(),
                format!("{} {}", number(middle), figure.unit),
                format!("{} - {}", number(low), number(high)),
                ratio,
                share,
                if index == 0 { faults.to_string() } else { String::new() },
            ]);
        }
    }
    format!("{workload}: {about}\n{table}")
}

/// The same as JSON.
pub(crate) fn to_json(workload: &str, series: &[Series]) -> Value {
    let targets: Vec<Value> = series
        .iter()
        .map(|one| {
            let figures: Vec<Value> = one.rounds.first().map_or(Vec::new(), |first| {
                first
                    .figures
                    .iter()
                    .enumerate()
                    .map(|(index, figure)| {
                        let values = sorted(one, index);
                        json!({"name": figure.name, "unit": figure.unit, "median": median(&values), "values": values})
                    })
                    .collect()
            });
            let faults: u64 = one.rounds.iter().map(|round| round.faults.total()).sum();
            json!({"target": one.target, "figures": figures, "faults": faults})
        })
        .collect();
    json!({"workload": workload, "targets": targets})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(target: &str, values: &[f64]) -> Series {
        let round =
            |value: &f64| Outcome { figures: vec![Figure::rate("rate", *value)], faults: Faults::default() };
        Series { target: target.to_owned(), rounds: values.iter().map(round).collect() }
    }

    #[test]
    fn medians_and_ratios_stand_in_the_table() {
        let all = [series("a", &[10.0, 30.0, 20.0]), series("b", &[5.0, 5.0])];
        let text = table("w", "about", &all, Some("b"));
        assert!(text.contains("20.00 msg/s") && text.contains("4.00x"), "{text}");
        assert!(!text.contains('%'), "no null broker, no share: {text}");
        let with_null = [series("a", &[30.0]), series(NULL, &[40.0])];
        assert!(table("w", "about", &with_null, None).contains(" 75% "));
        assert_eq!(to_json("w", &all)["targets"][0]["figures"][0]["median"], 20.0);
    }
}
