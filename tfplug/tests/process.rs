//! The plugin as a process: who may connect, and how it ends.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use std::time::Duration;

use rustix::process::Signal;
use support::certificate::Identity;
use support::client::Connection;
use support::wire::health::HealthCheckRequest;
use support::wire::health::health_client::HealthClient;
use support::wire::plugin::grpc_broker_client::GrpcBrokerClient;
use support::wire::plugin::grpc_controller_client::GrpcControllerClient;
use support::wire::plugin::grpc_stdio_client::GrpcStdioClient;
use support::wire::tfplugin6 as wire;
use support::wire::tfplugin6::provider_client::ProviderClient;
use support::{Plugin, command};
use tempfile::TempDir;
use tokio_stream::StreamExt as _;

const SOON: Duration = Duration::from_secs(5);

async fn started(identity: &Identity) -> (Plugin, TempDir) {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = command(temporary.path());
    command.env("PLUGIN_CLIENT_CERT", identity.pem());
    (Plugin::start(command).await, temporary)
}

async fn schema(
    connection: Connection,
) -> Result<wire::get_provider_schema::Response, tonic::Status> {
    let mut client = ProviderClient::new(connection);
    let request = wire::get_provider_schema::Request {};
    client
        .get_provider_schema(request)
        .await
        .map(tonic::Response::into_inner)
}

/// Returns whether someone with this identity is served.
async fn served(plugin: &Plugin, identity: Option<&Identity>) -> bool {
    match Connection::open(plugin, identity).await {
        Ok(connection) => schema(connection).await.is_ok(),
        Err(_) => false,
    }
}

async fn shut_down(connection: Connection) {
    GrpcControllerClient::new(connection)
        .shutdown(support::wire::plugin::Empty {})
        .await
        .unwrap();
}

#[tokio::test]
async fn by_hand_it_says_what_it_is() {
    let run = |arguments: &'static [&str], cookie: bool| async move {
        let mut command = tokio::process::Command::new(support::program());
        command.env_clear().args(arguments);
        if cookie {
            command.env(support::COOKIE.0, "another");
        }
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    for cookie in [false, true] {
        let (code, stdout, stderr) = run(&[], cookie).await;
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(
            stderr.starts_with("This is the Terraform provider example/notes."),
            "{stderr}"
        );
    }
    let (code, stdout, _) = run(&["--version"], false).await;
    assert_eq!(
        (code, stdout),
        (
            Some(0),
            format!("example/notes {}\n", env!("CARGO_PKG_VERSION"))
        )
    );
    assert_eq!(run(&["--help"], false).await.0, Some(0));
}

#[tokio::test]
async fn only_the_announced_certificate_is_served() {
    let (core, stranger) = (Identity::new(1), Identity::new(2));
    let (plugin, _temporary) = started(&core).await;
    assert!(!plugin.certificate.ends_with('='));
    assert!(
        !served(&plugin, None).await,
        "a process without a certificate was served"
    );
    assert!(
        !served(&plugin, Some(&stranger)).await,
        "a process with another certificate was served"
    );
    let thief = core.with_key_of(&stranger);
    assert!(
        !served(&plugin, Some(&thief)).await,
        "the certificate without its key was served"
    );
    assert!(served(&plugin, Some(&core)).await, "core was refused");
    assert!(
        !served(&plugin, None).await,
        "a process without a certificate was served after core"
    );
}

#[tokio::test]
async fn a_stuck_client_holds_nobody_up() {
    let core = Identity::new(1);
    let (plugin, _temporary) = started(&core).await;
    let _stuck = tokio::net::UnixStream::connect(&plugin.address)
        .await
        .unwrap();
    assert!(served(&plugin, Some(&core)).await);
}

#[tokio::test]
async fn a_client_certificate_that_is_none_stops_the_start() {
    for pem in ["", "no certificate"] {
        let temporary = tempfile::tempdir().unwrap();
        let output = command(temporary.path())
            .env("PLUGIN_CLIENT_CERT", pem)
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            output.stdout.is_empty(),
            "a handshake without knowing the client"
        );
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .contains("PLUGIN_CLIENT_CERT")
        );
    }
}

fn long_folder(parent: &std::path::Path) -> std::path::PathBuf {
    let long = parent.join("x".repeat(180));
    std::fs::create_dir(&long).unwrap();
    long
}

#[tokio::test]
async fn without_tls_and_over_tcp() {
    let temporary = tempfile::tempdir().unwrap();
    let plugin = Plugin::start(command(temporary.path())).await;
    assert_eq!(
        (plugin.network.as_str(), plugin.certificate.as_str()),
        ("unix", "")
    );
    assert!(served(&plugin, None).await);

    let core = Identity::new(1);
    let mut command = command(temporary.path());
    command
        .env("PLUGIN_UNIX_SOCKET_DIR", long_folder(temporary.path()))
        .env("PLUGIN_CLIENT_CERT", core.pem());
    let plugin = Plugin::start(command).await;
    assert_eq!(plugin.network, "tcp");
    assert!(served(&plugin, Some(&core)).await);
    assert!(!served(&plugin, None).await);
}

/// Without a client certificate everybody who can connect can call, so nobody else may be able to connect.
#[tokio::test]
async fn without_tls_there_is_no_tcp() {
    use std::os::unix::fs::PermissionsExt as _;
    let temporary = tempfile::tempdir().unwrap();
    let long = long_folder(temporary.path());
    let plugin = Plugin::start(command(&long)).await;
    assert_eq!(plugin.network, "unix");
    let folder = std::path::Path::new(&plugin.address).parent().unwrap();
    let mode = folder.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "others can reach the socket");
    assert!(served(&plugin, None).await);

    for debug in [false, true] {
        let mut refused = command(temporary.path());
        refused.env("PLUGIN_UNIX_SOCKET_DIR", &long);
        if debug {
            refused.env_remove(support::COOKIE.0).arg("--debug");
        }
        let output = refused.output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty(), "something listens");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("every user of this machine"), "{told}");
        assert!(
            told.contains("next:    Set PLUGIN_UNIX_SOCKET_DIR"),
            "{told}"
        );
        assert!(told.contains("at most"), "{told}");
    }
}

#[tokio::test]
async fn the_schema_is_sorted_and_names_the_capabilities() {
    let core = Identity::new(1);
    let (plugin, _temporary) = started(&core).await;
    let answer = schema(Connection::open(&plugin, Some(&core)).await.unwrap())
        .await
        .unwrap();
    let capabilities = answer.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    assert!(!capabilities.move_resource_state);
    let note = answer.resource_schemas["notes_note"]
        .block
        .as_ref()
        .unwrap();
    let names: Vec<&str> = note
        .attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[tokio::test]
async fn what_is_not_served_is_unimplemented() {
    let core = Identity::new(1);
    let (plugin, _temporary) = started(&core).await;
    let connection = Connection::open(&plugin, Some(&core)).await.unwrap();
    for path in [
        "/tfplugin6.Provider/GetMetadata",
        "/tfplugin6.Provider/GetResourceIdentitySchemas",
        "/tfplugin6.Provider/UpgradeResourceIdentity",
        "/tfplugin6.Provider/MoveResourceState",
        "/tfplugin6.Provider/GenerateResourceConfig",
        "/tfplugin6.Provider/ValidateEphemeralResourceConfig",
        "/tfplugin6.Provider/OpenEphemeralResource",
        "/tfplugin6.Provider/RenewEphemeralResource",
        "/tfplugin6.Provider/CloseEphemeralResource",
        "/tfplugin6.Provider/ListResource",
        "/tfplugin6.Provider/ValidateListResourceConfig",
        "/tfplugin6.Provider/GetFunctions",
        "/tfplugin6.Provider/CallFunction",
        "/tfplugin6.Provider/ValidateStateStoreConfig",
        "/tfplugin6.Provider/ConfigureStateStore",
        "/tfplugin6.Provider/ReadStateBytes",
        "/tfplugin6.Provider/WriteStateBytes",
        "/tfplugin6.Provider/LockState",
        "/tfplugin6.Provider/UnlockState",
        "/tfplugin6.Provider/GetStates",
        "/tfplugin6.Provider/DeleteState",
        "/tfplugin6.Provider/PlanAction",
        "/tfplugin6.Provider/InvokeAction",
        "/tfplugin6.Provider/ValidateActionConfig",
        "/tfplugin6.Provider/move_resource_state",
        "/tfplugin6.Provider/NoSuchCall",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        let mut client = tonic::client::Grpc::new(connection.clone());
        client.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<
            wire::stop_provider::Request,
            wire::stop_provider::Response,
        >::new();
        let request = tonic::Request::new(wire::stop_provider::Request {});
        let status = client
            .unary(request, path.parse().unwrap(), codec)
            .await
            .unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn shutdown_ends_the_process_and_its_streams() {
    let core = Identity::new(1);
    let (mut plugin, temporary) = started(&core).await;
    let connection = Connection::open(&plugin, Some(&core)).await.unwrap();
    let mut stdio = GrpcStdioClient::new(connection.clone())
        .stream_stdio(())
        .await
        .unwrap()
        .into_inner();
    let outgoing = tokio_stream::pending::<support::wire::plugin::ConnInfo>();
    let mut broker = GrpcBrokerClient::new(connection.clone())
        .start_stream(outgoing)
        .await
        .unwrap()
        .into_inner();
    let check = HealthCheckRequest {
        service: "plugin".into(),
    };
    let health = HealthClient::new(connection.clone())
        .check(check)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(health.status, 1, "not SERVING");

    shut_down(connection).await;
    assert!(
        stdio.next().await.is_none_or(|last| last.is_err()),
        "stdio was not silent"
    );
    assert!(broker.next().await.is_none_or(|last| last.is_err()));
    assert_eq!(plugin.ended(SOON).await, Some(0));
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the socket was left behind"
    );
}

#[tokio::test]
async fn ctrl_c_is_for_core_alone() {
    let core = Identity::new(1);
    let (mut plugin, _temporary) = started(&core).await;
    let connection = Connection::open(&plugin, Some(&core)).await.unwrap();
    plugin.signal(Signal::INT);
    plugin.signal(Signal::INT);
    let mut client = ProviderClient::new(connection.clone());
    client
        .stop_provider(wire::stop_provider::Request {})
        .await
        .unwrap();
    assert!(
        schema(connection.clone()).await.is_ok(),
        "StopProvider ended the service"
    );
    shut_down(connection).await;
    assert_eq!(plugin.ended(SOON).await, Some(0));
}

#[tokio::test]
async fn a_cancelled_call_is_not_abandoned() {
    let core = Identity::new(1);
    let (plugin, _temporary) = started(&core).await;
    let notes = tempfile::tempdir().unwrap();
    let mut client = ProviderClient::new(Connection::open(&plugin, Some(&core)).await.unwrap());
    let json = |json: serde_json::Value| {
        let json = json.to_string().into_bytes();
        Some(wire::DynamicValue {
            json,
            msgpack: Vec::new(),
        })
    };
    let request = wire::configure_provider::Request {
        config: json(serde_json::json!({ "folder": notes.path() })),
        ..wire::configure_provider::Request::default()
    };
    assert!(
        client
            .configure_provider(request)
            .await
            .unwrap()
            .into_inner()
            .diagnostics
            .is_empty()
    );

    let object = json(serde_json::json!({ "fault": "wait for stop" }));
    let request = wire::apply_resource_change::Request {
        type_name: "notes_corner".into(),
        planned_state: object.clone(),
        config: object,
        ..wire::apply_resource_change::Request::default()
    };
    let mut applying = client.clone();
    let call = tokio::spawn(async move { applying.apply_resource_change(request).await });
    appears(&notes.path().join("waiting")).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    client
        .stop_provider(wire::stop_provider::Request {})
        .await
        .unwrap();
    appears(&notes.path().join("finished")).await;
}

async fn appears(path: &std::path::Path) {
    let appeared = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(SOON, appeared).await;
    assert!(waited.is_ok(), "{} did not appear", path.display());
}

#[tokio::test]
async fn sigterm_ends_it_in_order() {
    let (mut plugin, temporary) = started(&Identity::new(1)).await;
    plugin.signal(Signal::TERM);
    assert_eq!(plugin.ended(SOON).await, Some(0));
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the socket was left behind"
    );
}

#[tokio::test]
async fn an_orphan_ends_by_itself() {
    let core = Identity::new(1);
    let (mut plugin, temporary) = started(&core).await;
    let connection = Connection::open(&plugin, Some(&core)).await.unwrap();
    // Nobody reads stdout any more, but the connection is open: that is no orphan.
    plugin.stdout = None;
    assert!(
        tokio::time::timeout(Duration::from_secs(3), plugin.process.wait())
            .await
            .is_err()
    );
    drop(connection);
    assert_eq!(plugin.ended(Duration::from_secs(10)).await, Some(0));
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the socket was left behind"
    );
}

#[tokio::test]
async fn debug_mode_serves_without_tls_until_ctrl_c() {
    use tokio::io::AsyncBufReadExt as _;
    let temporary = tempfile::tempdir().unwrap();
    let mut process = command(temporary.path())
        .env_remove(support::COOKIE.0)
        .env("PLUGIN_CLIENT_CERT", Identity::new(1).pem())
        .arg("--debug")
        .spawn()
        .unwrap();
    let mut lines = tokio::io::BufReader::new(process.stdout.take().unwrap()).lines();
    let assignment = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(json) = line.trim().strip_prefix("export TF_REATTACH_PROVIDERS='") {
            break serde_json::from_str::<serde_json::Value>(json.trim_end_matches('\'')).unwrap();
        }
    };
    let config = &assignment["registry.terraform.io/example/notes"];
    assert_eq!(config, &assignment["registry.opentofu.org/example/notes"]);
    assert_eq!(
        (&config["Test"], &config["ProtocolVersion"]),
        (&true.into(), &6.into())
    );
    let address = config["Addr"]["String"].as_str().unwrap().to_owned();
    let certificate = String::new();
    let mut plugin = Plugin {
        process,
        network: "unix".into(),
        address,
        certificate,
        stdout: None,
    };
    assert!(served(&plugin, None).await);
    plugin.signal(Signal::INT);
    assert_eq!(plugin.ended(SOON).await, Some(0));
}
