//! When to look again, when to renew, how long to back off.

use jiff::{SignedDuration, Timestamp};

use super::records::after;

const FIRST_DELAY: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(1);
/// Tokens that live shorter cannot be kept fresh.
pub const SHORTEST_TOKEN: SignedDuration = SignedDuration::from_secs(60);
/// Between two mints of one object.
pub const BETWEEN_MINTS: SignedDuration = SignedDuration::from_secs(30);

/// The back-off of one lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retry {
    /// Failures in a row, counted until the delay has stopped growing.
    pub failures: u32,
    /// Nothing remote is tried before this moment.
    pub until: Timestamp,
}

/// The back-off of both halves of a pass: trouble with one must not hold the other back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retries {
    pub config: Option<Retry>,
    pub upkeep: Option<Retry>,
}

impl Retry {
    /// The back-off after one more failure; `asked` is how long the platform wants us to wait.
    pub fn next(before: Option<Self>, asked: Option<SignedDuration>, now: Timestamp) -> Self {
        let failures = match before {
            Some(before) if at_longest(before.failures) => before.failures,
            Some(before) => before.failures.saturating_add(1),
            None => 1,
        };
        let delay = back_off(failures).max(asked.unwrap_or_default());
        Self { failures, until: after(now, delay) }
    }
}

/// How long to wait after so many failures in a row: 5 s doubling to 1 h.
pub fn back_off(failures: u32) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY)
}

/// Whether the delay has stopped growing: the status is then no longer written for each failure.
pub fn at_longest(failures: u32) -> bool {
    back_off(failures) == LONGEST_DELAY
}

/// When to renew a token: at `percent` of its life, moved by up to 5 % of the life (`spread`: -100 to 100 is the whole
/// way), no later than 120 s before the end for lives of 300 s or more, else at half.
pub fn refresh_at(
    minted_at: Timestamp,
    lifetime: SignedDuration,
    percent: u8,
    spread: i32,
) -> Timestamp {
    let whole = lifetime.as_secs();
    let due = if whole >= 300 {
        let at =
            whole * i64::from(percent) / 100 + whole * i64::from(spread.clamp(-100, 100)) / 2000;
        at.clamp(whole / 20, whole - 120)
    } else {
        whole / 2
    };
    after(minted_at, SignedDuration::from_secs(due.max(1)))
}

/// The same token dies unused after `idle`: renew at two thirds of that at the latest.
pub fn before_idle(refresh_at: Timestamp, minted_at: Timestamp, idle: SignedDuration) -> Timestamp {
    refresh_at.min(after(minted_at, SignedDuration::from_secs((idle.as_secs() * 2 / 3).max(1))))
}

/// A number from -100 to 100 that is always the same for one text: it spreads renewals without chance.
pub fn spread(text: &str) -> i32 {
    let sum = text
        .bytes()
        .fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    i32::try_from(sum % 201).unwrap_or(0) - 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(1, 5)]
    #[case(2, 10)]
    #[case(5, 80)]
    #[case(10, 2560)]
    #[case(11, 3600)]
    #[case(1000, 3600)]
    fn back_off_doubles_to_an_hour(#[case] failures: u32, #[case] seconds: i64) {
        assert_eq!(back_off(failures).as_secs(), seconds);
    }

    #[rstest::rstest]
    #[case(86_400, 66, 0, 57_024)]
    #[case(86_400, 66, 100, 61_344)]
    #[case(86_400, 66, -100, 52_704)]
    #[case(300, 66, 0, 180)]
    #[case(300, 90, 100, 180)]
    #[case(600, 90, 100, 480)]
    #[case(299, 66, 100, 149)]
    #[case(60, 66, 0, 30)]
    fn a_token_is_renewed_in_time(
        #[case] life: i64,
        #[case] percent: u8,
        #[case] spread: i32,
        #[case] at: i64,
    ) {
        let minted = Timestamp::UNIX_EPOCH;
        let due = refresh_at(minted, SignedDuration::from_secs(life), percent, spread);
        assert_eq!(due.as_second(), at);
    }

    #[test]
    fn an_idle_limit_brings_the_renewal_forward() {
        let due = before_idle(
            Timestamp::from_second(50_000).unwrap(),
            Timestamp::UNIX_EPOCH,
            SignedDuration::from_secs(900),
        );
        assert_eq!(due.as_second(), 600);
    }

    proptest::proptest! {
        #[test]
        fn a_spread_stays_within_bounds(text in ".*") {
            proptest::prop_assert!((-100..=100).contains(&spread(&text)));
        }

        #[test]
        fn a_renewal_is_never_after_the_end(life in 60_i64..200_000, percent in 10_u8..=90, spread in -100..=100) {
            let due = refresh_at(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(life), percent, spread);
            proptest::prop_assert!(due.as_second() >= 1 && due.as_second() < life);
        }
    }
}
