//! A running simulator: what enters are options, what leaves are its addresses, its administrator and its handle.
//! It may not outlive its value: dropping it closes every connection.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use crate::control::client_view::Credentials;
use crate::control::handle::Control;
use crate::genesys::{Genesys, Hosts, router};
use crate::options::Options;
use crate::server::serve;

/// A running twin on a thread of its own, so that it serves every runtime of a test binary.
#[derive(Debug)]
pub struct Simulator {
    genesys: Arc<Genesys>,
    login: SocketAddr,
    api: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts answering; the ports accept connections when this returns.
    pub fn start(options: Options) -> io::Result<Self> {
        let api_listener = listen(&options, options.port)?;
        let login_listener = options.login_port.map(|port| listen(&options, port)).transpose()?;
        let api = api_listener.local_addr()?;
        let login = match &login_listener {
            None => api,
            Some(listener) => listener.local_addr()?,
        };
        let threads = options.threads;
        let genesys = Genesys::new(options);

        let mut ports = Vec::new();
        match login_listener {
            None => ports.push((api_listener, router(&genesys, Hosts::Both))),
            Some(login_listener) => {
                ports.push((api_listener, router(&genesys, Hosts::Api)));
                ports.push((login_listener, router(&genesys, Hosts::Login)));
            }
        }
        let runtime = runtime(threads)?;
        let stopping = genesys.stopping.clone();
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || run(&runtime, ports, &stopping))?;
        Ok(Self { genesys, login, api, thread: Some(thread) })
    }

    /// The login host, such as `http://127.0.0.1:40123`.
    pub fn login_url(&self) -> String {
        format!("http://{}", self.login)
    }

    /// The API host.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// The administrator's client that exists from the start.
    pub fn admin_client(&self) -> Credentials {
        let admin = &self.genesys.options.admin;
        Credentials { client_id: admin.id.clone(), client_secret: admin.secret.clone() }
    }

    /// The handle for faults, state, settings and counters.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.genesys))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.genesys.stopping.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulator's thread panicked");
        }
    }
}

fn listen(options: &Options, port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((options.bind, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn runtime(threads: usize) -> io::Result<tokio::runtime::Runtime> {
    if threads <= 1 {
        return tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

fn run(
    runtime: &tokio::runtime::Runtime,
    ports: Vec<(TcpListener, axum::Router)>,
    stopping: &CancellationToken,
) {
    runtime.block_on(async {
        for (listener, router) in ports {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    tokio::spawn(serve(listener, router, stopping.clone()));
                }
                Err(error) => tracing::error!(%error, "cannot listen"),
            }
        }
        stopping.cancelled().await;
    });
}
