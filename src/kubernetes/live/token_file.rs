//! The bearer token in a file that somebody else keeps fresh.
//!
//! Enters: a path. Leaves: an `Authorization` header on each request. Looks at the file before every request and reads
//! it again when it changed; kube's own reader looks once a minute and takes a final line break for part of the token.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::{HeaderValue, Request, header};
use tower::{Layer, Service};

#[derive(Clone)]
pub(super) struct TokenFile(Arc<File>);

struct File {
    path: PathBuf,
    held: Mutex<Held>,
}

struct Held {
    stamp: Stamp,
    header: HeaderValue,
}

/// Changes when the file is written, and when a link to it is turned to another.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl TokenFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let held = Mutex::new(Held { stamp: Stamp::of(path)?, header: read(path)? });
        Ok(Self(Arc::new(File { path: path.to_owned(), held })))
    }

    /// The header for one request. Where the file is gone or empty for a moment, the last token goes on being used.
    fn header(&self) -> HeaderValue {
        let File { path, held } = &*self.0;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(stamp) = Stamp::of(path)
            && stamp != held.stamp
            && let Ok(header) = read(path)
        {
            *held = Held { stamp, header };
        }
        held.header.clone()
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

fn read(path: &Path) -> io::Result<HeaderValue> {
    let text = fs::read_to_string(path)?;
    let token = text.trim();
    let unfit = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    if token.is_empty() {
        return Err(unfit("the file is empty"));
    }
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| unfit("the file does not hold one line of text"))?;
    header.set_sensitive(true);
    Ok(header)
}

pub(super) struct WithToken<S> {
    token: TokenFile,
    inner: S,
}

impl<S> Layer<S> for TokenFile {
    type Service = WithToken<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithToken { token: self.clone(), inner }
    }
}

impl<S, B> Service<Request<B>> for WithToken<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.headers_mut().insert(header::AUTHORIZATION, self.token.header());
        self.inner.call(request)
    }
}
