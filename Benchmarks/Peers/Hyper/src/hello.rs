//! hyper on tokio: answers any request with "Hello, World!".
//!
//! Before it answers `/work?us=N` it computes for N microseconds. It listens on PORT of 127.0.0.1 with WORKERS threads. It
//! speaks HTTP/1.1, or only HTTP/2 if HTTP2 is set.
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Request, Response};
use std::convert::Infallible;
use std::env;
use std::time::{Duration, Instant};

async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    if let Some(time) = request.uri().query().and_then(|query| query.strip_prefix("us=")?.parse().ok()) {
        let end = Instant::now() + Duration::from_micros(time);
        while Instant::now() < end {}
    }
    let mut response = Response::new(Body::from("Hello, World!"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

async fn serve(port: u16, http2: bool) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let mut http = Http::new();
    if http2 {
        http.http2_only(true);
    } else {
        // Responses to requests of one packet leave in one packet: the setting for performance.
        http.http1_only(true).pipeline_flush(true);
    }
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let http = http.clone();
        tokio::spawn(async move {
            // A client may disconnect at any time.
            let _ = http.serve_connection(stream, service_fn(hello)).await;
        });
    }
}

fn setting(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() -> std::io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(setting("WORKERS", 2)).enable_all().build()?;
    let server = serve(setting("PORT", 8080) as u16, env::var_os("HTTP2").is_some());
    // In a task, as the connections are: `block_on` does not run its own future on a worker.
    runtime.block_on(async { tokio::spawn(server).await })?
}
