use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::*;
use crate::kubernetes::Error;
use crate::kubernetes::live::LeaseRecord;
use crate::run::lease::{Election, LeaseStore, Pace};

struct Served {
    address: std::net::SocketAddr,
    readiness: Readiness,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Served {
    async fn start(leadership: Leadership) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, stop, tasks) =
            (Readiness::default(), CancellationToken::new(), TaskTracker::new());
        let admin =
            Admin { metrics: Arc::new(Metrics::new()), readiness: readiness.clone(), leadership };
        tasks.spawn(serve(listener, admin, stop.clone()));
        tasks.close();
        Self { address, readiness, stop, tasks }
    }

    /// Status line, headers and body of one answer.
    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }
}

/// An API server that never answers: its election runs and nobody leads.
struct Silent;

impl LeaseStore for Silent {
    async fn read(&self) -> Result<Option<LeaseRecord>, Error> {
        Err(Error::Unavailable("silent".into()))
    }

    async fn create(&self, _record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        Err(Error::Unavailable("silent".into()))
    }

    async fn replace(&self, _record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        Err(Error::Unavailable("silent".into()))
    }
}

#[tokio::test]
async fn a_replica_is_ready_when_everything_awaited_is_done() {
    let served = Served::start(Leadership::undisputed()).await;
    let objects = served.readiness.awaits("the first list of objects");
    let secrets = served.readiness.awaits("the first list of Secrets");
    objects.done();
    let (code, answer) = served.get("/readyz").await;
    assert_eq!(code, 503);
    assert!(answer.ends_with("\r\n\r\nwaiting for the first list of Secrets\n"), "{answer}");
    // A watch that died before it had listed is not ready.
    drop(secrets);
    assert_eq!(served.get("/readyz").await.0, 503);
    served.readiness.awaits("the first list of Secrets").done();
    assert_eq!(served.get("/readyz").await.0, 200);
}

#[tokio::test]
async fn a_standby_is_ready_and_one_whose_election_ended_is_not_alive() {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let leadership = Election::new(Silent, "me", Pace::default()).start(&tasks, stop.clone());
    tasks.close();
    let served = Served::start(leadership).await;
    assert_eq!(served.get("/readyz").await.0, 200);
    assert_eq!(served.get("/livez").await.0, 200);
    assert!(served.get("/metrics").await.1.contains("keysteward_leader 0\n"));
    stop.cancel();
    tasks.wait().await;
    assert_eq!(served.get("/livez").await.0, 503);
    let (code, answer) = served.get("/readyz").await;
    assert_eq!(code, 503);
    assert!(answer.contains("waiting for a running leader election"), "{answer}");
}

#[tokio::test]
async fn metrics_are_open_metrics_and_nothing_else_is_served() {
    let served = Served::start(Leadership::undisputed()).await;
    let (code, answer) = served.get("/metrics").await;
    assert_eq!(code, 200);
    assert!(answer.contains(&format!("content-type: {OPEN_METRICS}\r\n")), "{answer}");
    assert!(answer.contains("keysteward_leader 1\n") && answer.ends_with("# EOF\n"), "{answer}");
    for path in ["/", "/debug", "/metrics/x"] {
        assert_eq!(served.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_to() {
    let served = Served::start(Leadership::undisputed()).await;
    assert_eq!(served.get("/livez").await.0, 200);
    served.stop.cancel();
    timeout(Duration::from_secs(5), served.tasks.wait()).await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
