//! The floor: a bare hyper server that reads a request to its end and responds with given bytes.
//!
//! `floor FOLDER` serves `/NAME` with the content of `FOLDER/NAME` for any method, on a free loopback port,
//! which it prints. Everything that a real server costs above this is its own cost.
#![expect(clippy::print_stdout, reason = "the address is printed on standard output")]
#![expect(clippy::disallowed_methods, reason = "connections live until the process is ended")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Bodies = Arc<HashMap<String, Bytes>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("usage: floor FOLDER")?;
    let mut bodies = HashMap::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
        let entry = entry?;
        let path = format!("/{}", entry.file_name().to_string_lossy());
        bodies.insert(path, Bytes::from(std::fs::read(entry.path())?));
    }
    let bodies: Bodies = Arc::new(bodies);
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port on loopback")?;
    println!("floor is ready at http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let bodies = Arc::clone(&bodies);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&bodies)));
            // A broken connection is the client's concern.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn answer(request: Request<Incoming>, bodies: Bodies) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = bodies.get(request.uri().path()).cloned().unwrap_or_default();
    drop(request.into_body().collect().await);
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
