//! The lab's service with axum: tower-http, tower_governor, axum-prometheus, jsonwebtoken, tracing to a file.
use std::future::IntoFuture;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Json, MatchedPath, Path, Request, State};
use axum::http::{header, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use axum::Router;
use axum_prometheus::PrometheusMetricLayer;
use clap::Parser;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use tower_governor::{governor::GovernorConfigBuilder, GovernorLayer};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::services::ServeFile;
use tower_http::timeout::TimeoutLayer;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use validator::Validate;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 8080)]
    port: u16,
    #[arg(long, default_value = "none", value_parser = ["none", "production"])]
    chain: String,
    #[arg(long, default_value = "/dev/null")]
    log: String,
    #[arg(long, default_value = "")]
    file: String,
    #[arg(long, default_value_t = 0)]
    routes: usize,
}

#[derive(Serialize)]
struct Greeting {
    message: &'static str,
}

#[derive(Serialize)]
struct User {
    id: i64,
    name: &'static str,
    email: &'static str,
}

#[derive(Deserialize, Validate)]
struct NewUser {
    #[validate(length(min = 1, max = 80))]
    name: String,
    #[validate(email)]
    email: String,
    #[validate(range(min = 0, max = 150))]
    age: i32,
}

#[derive(Serialize)]
struct Created {
    id: i64,
    name: String,
    email: String,
    age: i32,
}

async fn create(Json(body): Json<NewUser>) -> Result<(StatusCode, Json<Created>), (StatusCode, String)> {
    body.validate().map_err(|error| (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    Ok((StatusCode::CREATED, Json(Created { id: 1, name: body.name, email: body.email, age: body.age })))
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            break;
        }
    }
}

fn routes(file: &str, many: usize) -> Router {
    let mut router = Router::new()
        .route("/json", get(|| async { Json(Greeting { message: "Hello, World!" }) }))
        .route("/users/{id}", get(|Path(id): Path<i64>| async move {
            Json(User { id, name: "Ada Lovelace", email: "ada@example.com" })
        }))
        .route("/users", post(create))
        .route_service("/file", ServeFile::new(file).with_buf_chunk_size(256 << 10))
        .route("/4k", get(|| async { BLOB }))
        .route("/ws", any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) }))
        .route("/panic", get(|| async { panic!("asked for") as () }));
    for i in 0..many {
        let path = format!("/api/svc{}/res{}/{{id}}/act{}", i / 10000, i / 100 % 100, i % 100);
        router = router.route(&path, get(|Path(id): Path<String>| async { id }));
    }
    router
}

const BLOB: &str = match std::str::from_utf8(&[b'w'; 4096]) {
    Ok(text) => text,
    Err(_) => unreachable!(),
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Deserialize)]
struct Claims {
    #[allow(dead_code)]
    sub: String,
}

fn text(value: &Option<HeaderValue>) -> &str {
    value.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// One line for each request.
async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let (id, agent) = (request.headers().get(REQUEST_ID).cloned(), request.headers().get(header::USER_AGENT).cloned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let ip = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let response = next.run(request).await;
    tracing::info!(
        request_id = text(&id),
        %method,
        path = uri.path(),
        route = route.as_ref().map(MatchedPath::as_str),
        status = response.status().as_u16(),
        latency_us = started.elapsed().as_micros() as u64,
        ip = ip.map(tracing::field::display),
        user_agent = text(&agent),
        "request"
    );
    response
}

/// What tokens are verified with, made once.
struct Verifier {
    key: DecodingKey,
    rules: Validation,
}

async fn authenticate(State(verifier): State<Arc<Verifier>>, request: Request, next: Next) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match token.map(|token| jsonwebtoken::decode::<Claims>(token, &verifier.key, &verifier.rules)) {
        Some(Ok(_)) => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// The log goes through a thread of its own and a buffer; the guard writes what is left when it goes.
fn open_log(path: &str) -> std::io::Result<WorkerGuard> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let sink: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(256 << 10, file));
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(sink);
    tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_writer(writer).init();
    Ok(guard)
}

fn production(router: Router) -> Router {
    let (metrics, handle) = PrometheusMetricLayer::pair();
    let secret = std::env::var("LAB_JWT_SECRET").unwrap_or_default();
    let verifier = Verifier { key: DecodingKey::from_secret(secret.as_bytes()), rules: Validation::new(Algorithm::HS256) };
    let limits = GovernorConfigBuilder::default().per_nanosecond(100).burst_size(10_000_000).finish().expect("a rate");
    // The last layer is the outermost.
    router
        .layer(GovernorLayer::new(limits))
        .layer(middleware::from_fn_with_state(Arc::new(verifier), authenticate))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(5)))
        .layer(CatchPanicLayer::new())
        .layer(metrics)
        .layer(middleware::from_fn(log))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .route("/metrics", get(|| async move { handle.render() }))
}

async fn stopped() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a signal handler");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

// As many threads as there are cores to run on: one under taskset.
#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let mut router = routes(&options.file, options.routes);
    let mut _guard = None;
    if options.chain == "production" {
        _guard = Some(open_log(&options.log)?);
        router = production(router);
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await?.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    // HTTP/1.1, and HTTP/2 for connections that begin with its preface.
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
    // Connections that are still open are not waited for.
    tokio::select! {
        result = server.into_future() => result,
        () = stopped() => Ok(()),
    }
}
