//! The sockets: what enters are connections, what leaves are the router's answers, or nothing where a fault says so.
//! It may not know what a path means.

use std::io;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Marks an answer that closes the connection instead of being sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DropConnection;

/// Answers connections until the simulator stops.
pub(crate) async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, router.clone(), stopping.clone()));
            }
            Err(error) => tracing::warn!(%error, "cannot accept a connection"),
        }
    }
}

async fn answer(stream: TcpStream, router: Router, stopping: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot switch off the delay of small packets");
    }
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let answer = router.call(request.map(axum::body::Body::new));
        async move { sent(answer.await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        },
        () = stopping.cancelled() => {}
    }
}

/// An error here makes hyper close the connection without an answer.
fn sent<E>(answer: Result<Response, E>) -> io::Result<Response> {
    let response = answer.map_err(|_| io::Error::other("the router cannot fail"))?;
    if response.extensions().get::<DropConnection>().is_some() {
        return Err(io::Error::other("the answer is lost by a fault"));
    }
    Ok(response)
}
