//! In: a simulator, which speaks HTTP. Out: the same behind a certificate that only its own authority vouches for.
//! One request a connection: that is enough for a test, and what is relayed is left as it is.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use keysteward_simulator::Simulator;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A front of a simulator that ends with the test binary.
pub(crate) struct Tls {
    pub(crate) url: String,
    /// The certificate, as `caBundleRef` takes it.
    pub(crate) pem: String,
}

impl Tls {
    pub(crate) fn before(simulator: &Simulator) -> Self {
        let made = authority();
        let key = made.signing_key.serialize_der();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.try_into().unwrap())
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let behind = simulator.api_url().replace("http://", "");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, behind) = (Arc::clone(&config), behind.clone());
                // A caller that distrusts the certificate hangs up: that ends its connection and nothing else.
                std::thread::spawn(move || relay(stream, config, &behind).unwrap_or_default());
            }
        });
        Self { url, pem: made.cert.pem() }
    }
}

/// A certificate for this machine, signed by itself.
pub(crate) fn authority() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

fn relay(stream: TcpStream, config: Arc<ServerConfig>, behind: &str) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut caller = StreamOwned::new(connection, stream);
    let request = request(&mut caller)?;
    let mut server = TcpStream::connect(behind)?;
    server.write_all(&request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    caller.write_all(&answer)?;
    caller.conn.send_close_notify();
    caller.flush()
}

/// One whole request, with the wish that its connection be closed after the answer.
fn request(caller: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                let (first, rest) = text.split_once("\r\n").expect("a head has a first line");
                return Ok(format!("{first}\r\nConnection: close\r\n{rest}").into_bytes());
            }
        }
        match caller.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
}
