//! The operator's own small HTTP server: `/livez`, `/readyz`, `/metrics` and nothing else.
//!
//! Enters: what has started and what is counted. Leaves: plain text. Reads state, changes none, shows no object.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lease::Leadership;
use super::metrics::Metrics;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What must have happened before this replica is of use, standby included. Clones look at the same list.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, Progress>>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    Awaited,
    Done,
}

impl Readiness {
    /// Notes that something is awaited: `the first list of Secrets`. Done as soon as the handle is.
    pub fn awaits(&self, what: &'static str) -> Awaited {
        self.note(what, Progress::Awaited);
        Awaited { what, readiness: self.clone() }
    }

    /// What is awaited yet.
    pub fn missing(&self) -> Vec<&'static str> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let awaited = list.iter().filter(|(_, progress)| **progress == Progress::Awaited);
        awaited.map(|(what, _)| *what).collect()
    }

    fn note(&self, what: &'static str, progress: Progress) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what, progress);
    }
}

/// Something that is awaited. Dropping it does not make it done: a task that died never was ready.
#[derive(Debug)]
pub struct Awaited {
    what: &'static str,
    readiness: Readiness,
}

impl Awaited {
    pub fn done(&self) {
        self.readiness.note(self.what, Progress::Done);
    }
}

/// What the server shows.
#[derive(Clone, Debug)]
pub struct Admin {
    pub metrics: Arc<Metrics>,
    pub readiness: Readiness,
    pub leadership: Leadership,
}

/// Serves until `stop` is cancelled and open requests are answered.
pub async fn serve(listener: TcpListener, admin: Admin, stop: CancellationToken) -> io::Result<()> {
    let routes = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin);
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// A replica whose election has ended can never work again: only a restart helps.
async fn livez(State(admin): State<Admin>) -> Response {
    if admin.leadership.runs() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the leader election has ended\n").into_response()
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let mut missing = admin.readiness.missing();
    if !admin.leadership.runs() {
        missing.push("a running leader election");
    }
    if missing.is_empty() {
        return "ok\n".into_response();
    }
    let mut text = String::new();
    for what in missing {
        writeln!(text, "waiting for {what}").expect("writing to a String cannot fail");
    }
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let page = admin.metrics.page(admin.leadership.is_leader(Instant::now()));
    ([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response()
}

#[cfg(test)]
mod tests;
