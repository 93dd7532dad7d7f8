use std::time::Duration;

use gigadb_clients::{Apis, Explicit, Scope, Settings, Timing};
use gigadb_engine::topology::Topology;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_util::sync::CancellationToken;

const TOPOLOGY: &str = include_str!("../../examples/terraform/upstream/topology.yaml");

/// Far more than answers on loopback take, and less than a hang.
const LIMIT: Duration = Duration::from_mins(1);

/// Every API answers every request with these bytes: whatever is read of it is read or refused. What
/// such answers to writes are taken for is tested inside the clients, the only place that writes.
pub fn answers(data: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("no runtime: {error}"));
    }
    RUNTIME.with(|runtime| {
        let _timers = runtime.enter();
        let local = tokio::task::LocalSet::new();
        let asked = local.run_until(tokio::time::timeout(LIMIT, ask(data)));
        assert!(runtime.block_on(asked).is_ok(), "it hangs");
    });
}

async fn ask(data: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.unwrap_or_else(|error| panic!("no port: {error}"));
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let body = data.to_vec();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let body = body.clone();
            tokio::task::spawn_local(answer(stream, body));
        }
    });

    let env = |name: &str| {
        Some(match name {
            "CLOUDFLARE_API_TOKEN" | "GITLAB_TOKEN" => "token".to_owned(),
            "CLOUDFLARE_BASE_URL" => format!("http://{address}/client/v4"),
            "GITLAB_BASE_URL" => format!("http://{address}/api/v4"),
            "AWS_ENDPOINT_URL" => format!("http://{address}"),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "key".to_owned(),
            "AWS_CONFIG_FILE" | "AWS_SHARED_CREDENTIALS_FILE" => "/dev/null".to_owned(),
            _ => return None,
        })
    };
    let mut settings = Settings::resolve(Explicit::default(), &env)
        .unwrap_or_else(|error| panic!("settings: {error}"));
    settings.timing = Timing {
        attempts: 1,
        read_backs: 1,
        backoff: Duration::from_millis(1),
        ..Timing::default()
    };
    let apis = Apis::new(settings);
    let topology = Topology::parse(TOPOLOGY).unwrap_or_else(|faults| panic!("{faults}"));
    let scope = Scope::everything();
    let _ = apis
        .observe(&topology.topology, &scope, &CancellationToken::new())
        .await;
}

/// Answers one request and closes the connection.
async fn answer(mut stream: TcpStream, body: Vec<u8>) -> Option<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 8192];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut chunk).await.ok()? {
            0 => return None,
            count => request.extend_from_slice(&chunk[..count]),
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()?;
    stream.shutdown().await.ok()
}
