//! The transport: what broken connections, endless answers and forbidden addresses are taken for.

use std::io::{Read, Write};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use super::*;
use crate::model::SecretText;
use crate::provider::Priority;

/// A server that answers every connection with these bytes and hangs up.
struct Line {
    address: SocketAddr,
    served: JoinSet<()>,
}

impl Line {
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = answer.into();
        let mut served = JoinSet::new();
        served.spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let read = socket.read(&mut request).await.unwrap_or_default();
                assert!(read > 0);
                socket.write_all(&answer).await.unwrap_or_default();
                socket.shutdown().await.unwrap_or_default();
            }
        });
        Self { address, served }
    }

    fn url(&self) -> Url {
        Url::parse(&format!("http://{}/api/v2/things?token=canary-query", self.address)).unwrap()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.served.abort_all();
    }
}

fn sender(allowed: &[&str]) -> Sender {
    let allowed = AllowedEndpoints::parse(allowed).unwrap();
    let config = SenderConfig::new(100_000, "spec.genesysCloud.endpoints");
    Sender::new(SenderConfig { allowed, ..config }).unwrap()
}

fn call(method: Method, url: Url) -> Call {
    Call {
        endpoint: "ANY /api/v2/things",
        tried: "look at things".into(),
        method,
        url,
        body: Body::Empty,
        priority: Priority::Repair,
        cap: SMALL_CAP,
        words: |_, _| None,
        check: "is spec.genesysCloud.region right?",
    }
}

async fn fault_of(sender: &Sender, method: Method, url: Url) -> Fault {
    let token = SecretText::new("canary-token");
    let fault = sender
        .ask(&call(method, url), Proof::Bearer(&token), Answer::json::<serde_json::Value>)
        .await
        .unwrap_err();
    let shown = format!("{fault}\n{fault:?}");
    assert!(!shown.contains("canary"), "{shown}");
    assert!(fault.to_string().starts_with("could not look at things: "), "{fault}");
    fault
}

fn counted(sender: &Sender, outcome: CallOutcome) -> u64 {
    let rows = sender.counts().snapshot();
    assert!(rows.iter().all(|row| row.endpoint == "ANY /api/v2/things"), "{rows:?}");
    rows.iter().filter(|row| row.outcome == outcome).map(|row| row.calls).sum()
}

#[rstest::rstest]
#[case::nothing("")]
#[case::half_a_head("HTTP/1.1 200 OK\r\nContent-Le")]
#[case::half_a_body("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"secret\": \"canary")]
#[case::half_a_chunk("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"canary")]
#[tokio::test]
async fn a_connection_that_breaks_is_unknown_and_only_a_read_is_repeated(#[case] answer: &str) {
    let line = Line::saying(answer).await;
    for (method, asked) in [(Method::POST, 1), (Method::DELETE, 1), (Method::GET, 2)] {
        let sender = sender(&["127.0.0.1"]);
        let fault = fault_of(&sender, method.clone(), line.url()).await;
        let Fault::Unknown(Trouble { kind: TroubleKind::NoAnswer, text }) = fault else {
            panic!("{method}: {fault:?}")
        };
        assert!(text.contains("the connection broke"), "{text}");
        assert_eq!(counted(&sender, CallOutcome::NoAnswer), asked, "{method}");
    }
}

#[tokio::test]
async fn a_refusal_whose_words_break_off_is_still_a_refusal() {
    let line = Line::saying("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n{\"canary").await;
    let fault = fault_of(&sender(&["127.0.0.1"]), Method::POST, line.url()).await;
    assert_eq!(fault.refusal(), Some(RefusalKind::Forbidden));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\"".to_vec();
    answer.resize(answer.len() + SMALL_CAP, b'x');
    let line = Line::saying(answer).await;
    let fault = fault_of(&sender(&["127.0.0.1"]), Method::GET, line.url()).await;
    let Fault::Unknown(Trouble { kind: TroubleKind::Garbled, text }) = fault else {
        panic!("{fault:?}")
    };
    assert!(text.contains("larger than 64 KiB"), "{text}");
}

#[rstest::rstest]
#[case::closed_port("http")]
#[case::no_tls("https")]
#[tokio::test]
async fn without_a_connection_nothing_was_sent(#[case] scheme: &str) {
    let line = Line::saying("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let mut url = line.url();
    if scheme == "https" {
        url = Url::parse(&url.as_str().replace("http://", "https://")).unwrap();
    } else {
        // A port that was just given back: nobody listens there.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        url.set_port(Some(free.port())).unwrap();
    }
    let sender = sender(&["127.0.0.1"]);
    let fault = fault_of(&sender, Method::GET, url.clone()).await;
    let Fault::NotSent(Trouble { kind: TroubleKind::Connect, text }) = fault else {
        panic!("{fault:?}")
    };
    let place = format!("GET {scheme}://127.0.0.1:{}/api/v2/things", url.port().unwrap());
    assert!(text.contains(&place), "{text}");
    assert_eq!(counted(&sender, CallOutcome::NoConnection), 1);
}

#[tokio::test]
async fn a_private_address_is_not_even_connected_to() {
    let line = Line::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let by_name = line.url().as_str().replace("127.0.0.1", "localhost");
    // `localhost.` with another port listed: the name is known, this place is not.
    for (url, allowed) in [(line.url(), "gw.corp"), (Url::parse(&by_name).unwrap(), "localhost:1")]
    {
        let sender = sender(&[allowed]);
        let fault = fault_of(&sender, Method::GET, url).await;
        let Fault::NotSent(Trouble { kind: TroubleKind::Connect, text }) = fault else {
            panic!("{fault:?}")
        };
        assert!(text.contains("spec.genesysCloud.endpoints"), "{text}");
        assert!(text.contains("--allowed-endpoints"), "{text}");
    }
    let token = SecretText::new("canary-token");
    let sender = sender(&["127.0.0.1"]);
    let listed = call(Method::GET, line.url());
    sender.ask(&listed, Proof::Bearer(&token), Answer::nothing).await.unwrap();
    assert_eq!(counted(&sender, CallOutcome::Ok), 1);
}

#[tokio::test]
async fn an_unknown_name_is_no_connection() {
    let url = Url::parse("https://login.no-such-domain.invalid/oauth/token").unwrap();
    let fault = fault_of(&sender(&[]), Method::POST, url).await;
    let Fault::NotSent(Trouble { kind: TroubleKind::Connect, text }) = fault else {
        panic!("{fault:?}")
    };
    assert!(text.contains("is spec.genesysCloud.region right?"), "{text}");
}

#[rstest::rstest]
#[case("")]
#[case("no certificate at all")]
#[case("-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n")]
#[case("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n")]
fn what_is_no_certificate_is_refused_by_field(#[case] pem: &str) {
    let config = SenderConfig::new(240, "spec.genesysCloud.endpoints");
    let ca_bundle = Some(pem.to_owned());
    let error = Sender::new(SenderConfig { ca_bundle, ..config }).unwrap_err();
    assert!(error.to_string().contains("spec.caBundleRef"), "{error}");
}

/// A server with a certificate that nobody else trusts; it answers two connections. Gives its certificate and port.
fn own_authority() -> (String, u16) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der();
    let config = rustls::ServerConfig::builder_with_provider(
        rustls::crypto::aws_lc_rs::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![made.cert.der().clone()], key.try_into().unwrap())
    .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming().take(2) {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket.unwrap());
            // A client that distrusts us hangs up here.
            if matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
                stream.flush().unwrap();
            }
        }
    });
    (made.cert.pem(), port)
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_when_it_is_given() {
    let (pem, port) = own_authority();
    let url = Url::parse(&format!("https://127.0.0.1:{port}/api/v2/things")).unwrap();
    let fault = fault_of(&sender(&["127.0.0.1"]), Method::POST, url.clone()).await;
    let Fault::NotSent(Trouble { kind: TroubleKind::Connect, text }) = fault else {
        panic!("{fault:?}")
    };
    assert!(text.contains("certificate") && text.contains("spec.caBundleRef"), "{text}");

    let allowed = AllowedEndpoints::parse(["127.0.0.1"]).unwrap();
    let config = SenderConfig::new(100_000, "spec.genesysCloud.endpoints");
    let trusting = SenderConfig { allowed, ca_bundle: Some(pem), ..config };
    let token = SecretText::new("canary-token");
    let asked = call(Method::POST, url);
    let sender = Sender::new(trusting).unwrap();
    sender.ask(&asked, Proof::Bearer(&token), Answer::nothing).await.unwrap();
}

#[tokio::test]
async fn once_the_operator_stops_nothing_more_is_sent() {
    let line = Line::saying("HTTP/1.1 204 No Content\r\n\r\n").await;
    let allowed = AllowedEndpoints::parse(["127.0.0.1"]).unwrap();
    let config = SenderConfig::new(100_000, "spec.genesysCloud.endpoints");
    let (budget, stopping) = (Arc::clone(&config.budget), config.stopping.clone());
    let sender = Sender::new(SenderConfig { allowed, ..config }).unwrap();
    budget.pause(Duration::from_secs(30));
    // One waits for its turn, the other comes later.
    let waiting = fault_of(&sender, Method::POST, line.url());
    let stop = async { stopping.cancel() };
    let (first, ()) = tokio::join!(waiting, stop);
    let second = fault_of(&sender, Method::POST, line.url()).await;
    for fault in [first, second] {
        assert!(matches!(fault, Fault::NotSent(_)), "{fault:?}");
        assert!(fault.to_string().contains("the operator is stopping"), "{fault}");
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_called_only_where_the_operator_is_told_to() {
    let answers = |who: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n\"{who}\""
        )
    };
    let proxy = Line::saying(answers("proxy")).await;
    let there = Line::saying(answers("there")).await;
    // In a process of its own: an environment is everybody's.
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "provider::http::tests::asks_with_and_without_a_proxy", "--ignored"])
        .arg("--nocapture")
        .envs([("http_proxy", format!("http://{}", proxy.address)), ("THERE", there.url().into())])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("REQUEST_METHOD")
        .output();
    let said = String::from_utf8(child.await.unwrap().stdout).unwrap();
    assert!(said.contains("without: there"), "{said}");
    assert!(said.contains("with: proxy"), "{said}");
}

/// The process of the test above.
#[tokio::test]
#[ignore = "needs the environment that the other test makes"]
async fn asks_with_and_without_a_proxy() {
    let there: Url = std::env::var("THERE").unwrap().parse().unwrap();
    let token = SecretText::new("canary-token");
    for (how, proxy_from_environment) in [("without", false), ("with", true)] {
        let allowed = AllowedEndpoints::parse(["127.0.0.1"]).unwrap();
        let config = SenderConfig::new(100_000, "spec.genesysCloud.endpoints");
        let config = SenderConfig { allowed, proxy_from_environment, ..config };
        let sender = Sender::new(config).unwrap();
        let call = call(Method::GET, there.clone());
        let who = sender.ask(&call, Proof::Bearer(&token), Answer::json::<String>).await.unwrap();
        println!("{how}: {who}");
    }
}
