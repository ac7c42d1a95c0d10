//! Metrics as text: OpenMetrics 1.0, which Prometheus reads.

use std::{fmt, sync::Mutex};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::Registry,
};

/// What the text is.
pub(super) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from the process's start.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were how large.
    Histogram,
}

/// All samples of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its name, without `portcullis_`, and without `_total` for a counter.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Labels: few, and never from outside.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// Any number.
    Number(f64),
    /// Of a histogram: upper bounds with how many fell between, the last bound being infinite; and the sum of all.
    Buckets(Vec<(f64, u64)>, f64),
}

impl Family {
    /// One without labels.
    pub fn single(name: &'static str, help: &'static str, kind: Kind, value: Value) -> Self {
        Self { name, help, kind, samples: vec![Sample { labels: Vec::new(), value }] }
    }

    /// One by the values of a label.
    pub fn by<I: IntoIterator<Item = (String, u64)>>(
        (name, help, kind): (&'static str, &'static str, Kind),
        label: &'static str,
        values: I,
    ) -> Self {
        let one = |(value, count)| Sample { labels: vec![(label, value)], value: Value::Count(count) };
        Self { name, help, kind, samples: values.into_iter().map(one).collect() }
    }
}

/// The text.
pub(super) fn text(families: &[Family]) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("portcullis");
    registry.register_collector(Box::new(Once(Mutex::new(families.to_vec()))));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// Families that are written once.
#[derive(Debug)]
struct Once(Mutex<Vec<Family>>);

impl Collector for Once {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.0.lock().map_err(|_| fmt::Error)?.iter() {
            write(encoder.encode_descriptor(family.name, family.help, None, family.kind.into())?, family)?;
        }
        Ok(())
    }
}

fn write(mut encoder: MetricEncoder<'_>, family: &Family) -> fmt::Result {
    for sample in &family.samples {
        let labels: Vec<(String, String)> =
            sample.labels.iter().map(|(name, value)| ((*name).to_owned(), escaped(value))).collect();
        match labels.is_empty() {
            true => value(&mut encoder, family.kind, &sample.value)?,
            false => value(&mut encoder.encode_family(&labels)?, family.kind, &sample.value)?,
        }
    }
    Ok(())
}

/// A label's value as the form has it; the encoder writes it as it is given.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn value(encoder: &mut MetricEncoder<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Count(count)) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
        (Kind::Counter, Value::Number(number)) => encoder.encode_counter::<NoLabelSet, _, u64>(number, None),
        (Kind::Gauge, Value::Count(count)) => encoder.encode_gauge(&i64::try_from(*count).unwrap_or(i64::MAX)),
        (Kind::Gauge, Value::Number(number)) => encoder.encode_gauge(number),
        (Kind::Histogram, Value::Buckets(buckets, sum)) => {
            let count = buckets.iter().map(|(_, count)| count).sum();
            encoder.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
        }
        _ => Err(fmt::Error),
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram => Self::Histogram,
        }
    }
}
