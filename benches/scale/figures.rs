//! In: what was measured. Out: one JSON object in one line.

use serde_json::{Map, Value, json};

use super::calm::Calm;
use super::cluster::Writes;
use super::restart::Restart;
use super::size::{Machine, Size};

/// All figures of one run.
#[derive(Debug)]
pub(crate) struct Figures(Map<String, Value>);

impl Figures {
    pub(crate) fn of(size: Size) -> Self {
        let Machine { cores, memory_gib, processor, load } = Machine::here();
        let mut figures = Self(Map::new());
        figures.set("objects", size.objects);
        figures.set("unrelated_secrets", size.secrets);
        figures.set("ready_seconds_default", Value::Null);
        figures.set(
            "machine",
            json!({
                "cores": cores,
                "memory_gib": rounded(memory_gib, 1),
                "processor": processor,
                "load_before": load,
            }),
        );
        figures.set("debug_build", cfg!(debug_assertions));
        figures
    }

    pub(crate) fn ready(&mut self, seconds: f64, writes: &Writes) {
        let count = writes.0.iter();
        let count: Map<String, Value> = count
            .map(|((verb, resource), times)| (format!("{verb} {resource}"), json!(times)))
            .collect();
        self.set("ready_seconds", rounded(seconds, 1));
        self.set("ready_writes", count);
    }

    pub(crate) fn calm(&mut self, calm: &Calm) {
        let Calm {
            rss_mib,
            peak_rss_mib,
            remote_calls_per_sweep,
            kube_writes_per_minute,
            sweep_seconds,
        } = *calm;
        self.set("rss_mib", rounded(rss_mib, 1));
        self.set("rss_mib_peak", rounded(peak_rss_mib, 1));
        self.set("remote_calls_per_sweep", rounded(remote_calls_per_sweep, 2));
        self.set("kube_writes_per_minute", kube_writes_per_minute);
        self.set("sweep_seconds", rounded(sweep_seconds, 3));
    }

    pub(crate) fn repair(&mut self, seconds: &[f64]) {
        self.set("repair_seconds", rounded(seconds.iter().copied().fold(0.0, f64::max), 2));
        self.set("repair_seconds_median", rounded(median(seconds), 2));
    }

    pub(crate) fn restart(&mut self, restart: &Restart) {
        let Restart { mints, writes, seconds, rss_mib } = *restart;
        self.set("restart_mints", mints);
        self.set("restart_writes", writes);
        self.set("restart_seconds", rounded(seconds, 1));
        self.set("restart_rss_mib", rounded(rss_mib, 1));
    }

    pub(crate) fn floor(&mut self, seconds: f64) {
        self.set("floor_seconds", rounded(seconds, 1));
        let ready = self.0.get("ready_seconds").and_then(Value::as_f64).unwrap_or_default();
        self.set("ready_over_floor", rounded(ready / seconds, 2));
    }

    pub(crate) fn defaults(&mut self, seconds: f64) {
        self.set("ready_seconds_default", rounded(seconds, 1));
    }

    pub(crate) fn line(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

/// The middle one; 0 where there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn rounded(value: f64, digits: i32) -> f64 {
    let unit = 10_f64.powi(digits);
    (value * unit).round() / unit
}
