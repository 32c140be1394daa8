//! Leader election over a real Lease.

use std::time::Duration;

use jiff::Timestamp;
use keysteward::kubernetes::Error;
use keysteward::kubernetes::live::LeaseRecord;
use keysteward::run::lease::{Election, KubernetesLease, Leadership, Pace};
use keysteward_testbed::eventually;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ground::Ground;

const SOON: Duration = Duration::from_secs(20);

const QUICK: Pace = Pace {
    duration: Duration::from_secs(3),
    renew_deadline: Duration::from_secs(2),
    retry: Duration::from_millis(300),
};

fn start(ground: &Ground, me: &str, stop: &CancellationToken, tasks: &TaskTracker) -> Leadership {
    let lease = KubernetesLease::new(ground.live.clone(), &ground.namespace, "keysteward");
    Election::new(lease, me, QUICK).start(tasks, stop.clone())
}

#[tokio::test]
async fn of_two_replicas_one_leads_and_hands_over_when_it_stops() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let (stop, other_stop) = (CancellationToken::new(), CancellationToken::new());
    let (tasks, other_tasks) = (TaskTracker::new(), TaskTracker::new());
    let mut first = start(&ground, "first", &stop, &tasks);
    assert!(first.gained().await);
    let mut second = start(&ground, "second", &other_stop, &other_tasks);
    eventually(SOON, "the standby sees the leader", async || match second.holder() {
        Some(holder) if holder == "first" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // Longer than a lease: it is renewed.
    let renewed = eventually(SOON, "renewals", async || {
        assert!(first.is_leader(Instant::now()) && !second.is_leader(Instant::now()));
        let record =
            ground.live.read_lease(&ground.namespace, "keysteward").await.unwrap().unwrap();
        let age = record.renewed_at.unwrap().duration_since(record.acquired_at.unwrap());
        if age.as_secs() >= 4 { Ok(record) } else { Err(format!("renewed for {age:?}")) }
    })
    .await;
    assert_eq!((renewed.holder.as_str(), renewed.transitions), ("first", 0));

    stop.cancel();
    tasks.close();
    tasks.wait().await;
    assert!(!first.is_leader(Instant::now()));
    let stopped_at = Instant::now();
    assert!(second.gained().await);
    assert!(stopped_at.elapsed() < QUICK.duration, "{:?}", stopped_at.elapsed());
    let record = ground.live.read_lease(&ground.namespace, "keysteward").await.unwrap().unwrap();
    assert_eq!((record.holder.as_str(), record.transitions), ("second", 1));
    other_stop.cancel();
    other_tasks.close();
    other_tasks.wait().await;
}

#[tokio::test]
async fn of_two_who_write_one_version_of_a_lease_one_gets_a_conflict() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let mine = LeaseRecord {
        holder: "first".into(),
        duration: Duration::from_secs(3),
        transitions: 0,
        acquired_at: Some(Timestamp::UNIX_EPOCH),
        renewed_at: None,
        resource_version: String::new(),
    };
    let live = &ground.live;
    let made = live.create_lease(&ground.namespace, "keysteward", &mine).await.unwrap();
    let taken = live.create_lease(&ground.namespace, "keysteward", &mine).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let theirs = LeaseRecord { holder: String::new(), ..made.clone() };
    live.replace_lease(&ground.namespace, "keysteward", &theirs).await.unwrap();
    let stale = live.replace_lease(&ground.namespace, "keysteward", &made).await;
    assert!(matches!(stale, Err(Error::Conflict(_))), "{stale:?}");
    let record = live.read_lease(&ground.namespace, "keysteward").await.unwrap().unwrap();
    assert_eq!(record.holder, "");
}
