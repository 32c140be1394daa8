use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;
use tokio::time::advance;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[rstest]
#[case::no_lease(None, Move::Acquire)]
#[case::ours(Some(("me", 5)), Move::Renew)]
#[case::ours_run_out(Some(("me", -5)), Move::Renew)]
#[case::of_another(Some(("you", 5)), Move::Wait(Duration::from_secs(5)))]
#[case::of_another_just_over(Some(("you", 0)), Move::Acquire)]
#[case::of_another_run_out(Some(("you", -5)), Move::Acquire)]
#[case::given_up(Some(("", 5)), Move::Acquire)]
#[tokio::test(start_paused = true)]
async fn a_replica_takes_only_what_is_free(
    #[case] seen: Option<(&str, i64)>,
    #[case] expected: Move,
) {
    advance(60 * SECOND).await;
    let now = Instant::now();
    let seen = seen.map(|(holder, seconds)| {
        let span = Duration::from_secs(seconds.unsigned_abs());
        let until = if seconds < 0 { now - span } else { now + span };
        Claim { holder: holder.into(), until }
    });
    assert_eq!(decide(seen.as_ref(), "me", now), expected);
}

#[rstest]
#[case::usual(15_000, 10_000, 2_000, true)]
#[case::small(1_000, 600, 100, true)]
#[case::no_margin(15_000, 15_000, 2_000, false)]
#[case::lease_of_a_fraction(1_500, 1_000, 100, false)]
#[case::one_try_only(15_000, 10_000, 9_000, false)]
#[case::no_rest(15_000, 10_000, 0, false)]
fn times_with_which_two_could_lead_are_refused(
    #[case] duration: u64,
    #[case] renew_deadline: u64,
    #[case] retry: u64,
    #[case] fits: bool,
) {
    let pace = Pace {
        duration: Duration::from_millis(duration),
        renew_deadline: Duration::from_millis(renew_deadline),
        retry: Duration::from_millis(retry),
    };
    assert_eq!(pace.check().is_ok(), fits, "{:?}", pace.check());
}

/// A Lease in memory, as the API server keeps it.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Option<LeaseRecord>>>);

/// One replica's way to it.
#[derive(Clone, Default)]
struct Door {
    shelf: Shelf,
    /// Calls hang as long as this is set.
    shut: Arc<AtomicBool>,
    /// Writes take effect and their answers are lost.
    deaf: Arc<AtomicBool>,
}

impl Door {
    fn to(shelf: &Shelf) -> Self {
        Self { shelf: shelf.clone(), ..Self::default() }
    }

    async fn pass(&self) {
        if self.shut.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    fn answer(&self, record: LeaseRecord) -> Result<LeaseRecord, Error> {
        if self.deaf.load(Ordering::SeqCst) {
            return Err(Error::Unavailable("the answer was lost".into()));
        }
        Ok(record)
    }
}

impl Shelf {
    fn put(&self, expected: Option<&str>, record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        let mut kept = self.0.lock().unwrap();
        let version = kept.as_ref().map(|kept| kept.resource_version.clone());
        if version.as_deref() != expected {
            return Err(Error::Conflict("changed".into()));
        }
        let next = version.map_or(1, |version| version.parse::<u64>().unwrap() + 1);
        let record = LeaseRecord { resource_version: next.to_string(), ..record.clone() };
        *kept = Some(record.clone());
        Ok(record)
    }

    fn holder(&self) -> String {
        self.0.lock().unwrap().as_ref().map(|kept| kept.holder.clone()).unwrap_or_default()
    }
}

impl LeaseStore for Door {
    async fn read(&self) -> Result<Option<LeaseRecord>, Error> {
        self.pass().await;
        Ok(self.shelf.0.lock().unwrap().clone())
    }

    async fn create(&self, record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        self.pass().await;
        self.answer(self.shelf.put(None, record)?)
    }

    async fn replace(&self, record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        self.pass().await;
        self.answer(self.shelf.put(Some(&record.resource_version), record)?)
    }
}

struct Replica {
    door: Door,
    leadership: Leadership,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Replica {
    fn start(shelf: &Shelf, me: &str) -> Self {
        let door = Door::to(shelf);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let election = Election::new(door.clone(), me, Pace::default());
        let leadership = election.start(&tasks, stop.clone());
        tasks.close();
        Self { door, leadership, stop, tasks }
    }

    fn leads(&self) -> bool {
        self.leadership.is_leader(Instant::now())
    }
}

/// Lets tenths of seconds go by until the condition holds; tells how long that took. Fails if two lead at once.
async fn until(
    replicas: &[&Replica],
    limit: Duration,
    mut holds: impl FnMut() -> bool,
) -> Duration {
    let started_at = Instant::now();
    while started_at.elapsed() <= limit {
        let leading = replicas.iter().filter(|replica| replica.leads()).count();
        assert!(leading <= 1, "{leading} replicas lead at once after {:?}", started_at.elapsed());
        if holds() {
            return started_at.elapsed();
        }
        advance(Duration::from_millis(100)).await;
        // Tasks that the advance woke get their turn.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    panic!("not within {limit:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_replica_leads_at_once_and_the_second_waits() {
    let shelf = Shelf::default();
    let first = Replica::start(&shelf, "first");
    until(&[&first], SECOND, || first.leads()).await;
    let second = Replica::start(&shelf, "second");
    let both = [&first, &second];
    // Much longer than a lease: renewals keep it.
    let mut looks = 0;
    until(&both, 120 * SECOND, || {
        looks += 1;
        assert!(first.leads() && !second.leads());
        looks == 1000
    })
    .await;
    assert_eq!(second.leadership.holder().as_deref(), Some("first"));
    assert!(second.leadership.runs());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_stops_before_another_may_start() {
    let shelf = Shelf::default();
    let first = Replica::start(&shelf, "first");
    until(&[&first], SECOND, || first.leads()).await;
    let second = Replica::start(&shelf, "second");
    let both = [&first, &second];
    until(&both, 5 * SECOND, || second.leadership.holder().is_some()).await;

    first.door.shut.store(true, Ordering::SeqCst);
    let lost_after = until(&both, 11 * SECOND, || !first.leads()).await;
    assert!(!second.leads());
    assert!(lost_after >= 7 * SECOND, "a short outage is borne: {lost_after:?}");
    let gap = until(&both, 10 * SECOND, || second.leads()).await;
    assert!(gap >= 4 * SECOND, "the margin is kept: {gap:?}");

    // The way is open again: the first sees that it lost.
    first.door.shut.store(false, Ordering::SeqCst);
    until(&both, 10 * SECOND, || first.leadership.holder().as_deref() == Some("second")).await;
    let kept = shelf.0.lock().unwrap().clone().unwrap();
    assert_eq!((kept.holder.as_str(), kept.transitions), ("second", 1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_bears_an_outage_that_is_shorter_than_its_claim() {
    let shelf = Shelf::default();
    let first = Replica::start(&shelf, "first");
    until(&[&first], SECOND, || first.leads()).await;
    first.door.shut.store(true, Ordering::SeqCst);
    let mut looks = 0;
    until(&[&first], 6 * SECOND, || {
        looks += 1;
        assert!(first.leads());
        looks == 50
    })
    .await;
    first.door.shut.store(false, Ordering::SeqCst);
    until(&[&first], 20 * SECOND, || {
        looks += 1;
        assert!(first.leads());
        looks == 200
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn renewals_whose_answers_are_lost_do_not_prolong_the_claim() {
    let shelf = Shelf::default();
    let first = Replica::start(&shelf, "first");
    until(&[&first], SECOND, || first.leads()).await;
    first.door.deaf.store(true, Ordering::SeqCst);
    until(&[&first], 11 * SECOND, || !first.leads()).await;
    // It renews what is its own as soon as it hears again.
    first.door.deaf.store(false, Ordering::SeqCst);
    until(&[&first], 5 * SECOND, || first.leads()).await;
    assert_eq!(shelf.0.lock().unwrap().as_ref().unwrap().transitions, 0);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_stops_hands_over_at_once() {
    let shelf = Shelf::default();
    let mut first = Replica::start(&shelf, "first");
    until(&[&first], SECOND, || first.leads()).await;
    let second = Replica::start(&shelf, "second");
    until(&[&first, &second], 5 * SECOND, || second.leadership.holder().is_some()).await;

    first.stop.cancel();
    first.tasks.wait().await;
    assert_eq!(shelf.holder(), "");
    first.leadership.lost().await;
    assert!(!first.leadership.runs());
    assert!(!first.leadership.gained().await);
    let took = until(&[&first, &second], 5 * SECOND, || second.leads()).await;
    assert!(took <= 3 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_standby_that_stops_leaves_the_lease_alone() {
    let shelf = Shelf::default();
    let first = Replica::start(&shelf, "first");
    until(&[&first], SECOND, || first.leads()).await;
    let second = Replica::start(&shelf, "second");
    until(&[&first, &second], 5 * SECOND, || second.leadership.holder().is_some()).await;
    second.stop.cancel();
    second.tasks.wait().await;
    assert_eq!(shelf.holder(), "first");
    assert!(first.leads());
}

#[tokio::test(start_paused = true)]
async fn of_two_that_start_together_one_leads() {
    let shelf = Shelf::default();
    let (first, second) = (Replica::start(&shelf, "first"), Replica::start(&shelf, "second"));
    until(&[&first, &second], SECOND, || first.leads() || second.leads()).await;
    until(&[&first, &second], 10 * SECOND, || {
        [&first, &second].iter().all(|it| it.leadership.holder().as_deref() == Some("first"))
            || [&first, &second]
                .iter()
                .all(|it| it.leadership.holder().as_deref() == Some("second"))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_learn_of_gain_and_loss() {
    let shelf = Shelf::default();
    let first = Replica::start(&shelf, "first");
    let mut leadership = first.leadership.clone();
    assert!(leadership.gained().await);
    first.door.shut.store(true, Ordering::SeqCst);
    let started_at = Instant::now();
    leadership.lost().await;
    let took = started_at.elapsed();
    assert!(took >= 7 * SECOND && took <= 10 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_election_one_always_leads() {
    let leadership = Leadership::undisputed();
    advance(60 * 60 * 24 * 365 * SECOND).await;
    assert!(leadership.is_leader(Instant::now()) && leadership.runs());
}

#[test]
fn two_processes_of_one_pod_have_two_names() {
    assert_ne!(identity("operator-0"), identity("operator-0"));
    assert!(identity("operator-0").starts_with("operator-0_"));
}
