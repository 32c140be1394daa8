//! Durations as users write them: `24h`, `90m`, `1h30m`, `300s`.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::SPAN;

/// A span of time as text: one to three parts of up to six digits and h, m or s, for example 24h or 1h30m.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Span(
    #[schemars(
        length(min = 2, max = 21),
        regex(pattern = SPAN)
    )]
    pub String,
);

/// The text is not a duration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a duration: write hours, minutes or seconds, for example 24h, 90m or 300s")]
pub struct NotASpan(String);

impl Span {
    /// Reads the text.
    pub fn parse(&self) -> Result<SignedDuration, NotASpan> {
        let bad = || NotASpan(self.0.chars().take(40).collect());
        let mut total = SignedDuration::ZERO;
        let mut digits = String::new();
        let mut parts = 0;
        for c in self.0.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            let unit = match c {
                'h' => 3600,
                'm' => 60,
                's' => 1,
                _ => return Err(bad()),
            };
            if digits.is_empty() || digits.len() > 6 {
                return Err(bad());
            }
            let count: i64 = digits.parse().map_err(|_| bad())?;
            digits.clear();
            parts += 1;
            total += SignedDuration::from_secs(count * unit);
        }
        if !digits.is_empty() || !(1..=3).contains(&parts) {
            return Err(bad());
        }
        Ok(total)
    }
}

impl FromStr for Span {
    type Err = NotASpan;
    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let span = Self(text.to_owned());
        span.parse().map(|_| span)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("24h", 86_400)]
    #[case("1h30m", 5_400)]
    #[case("300s", 300)]
    #[case("0s", 0)]
    fn a_span_is_read(#[case] text: &str, #[case] seconds: i64) {
        assert_eq!(Span(text.into()).parse().unwrap(), SignedDuration::from_secs(seconds));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("24")]
    #[case("1d")]
    #[case("1h2m3s4s")]
    #[case("1234567s")]
    #[case("h")]
    #[case("-1h")]
    fn what_is_no_span_is_refused(#[case] text: &str) {
        assert!(Span(text.into()).parse().is_err());
    }
}
