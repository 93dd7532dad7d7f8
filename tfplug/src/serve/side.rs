//! The services that the plugin host expects beside the provider.

use std::pin::Pin;

use futures::Stream;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::wire::health::health_check_response::ServingStatus;
use crate::wire::health::{HealthCheckRequest, HealthCheckResponse, health_server::Health};
use crate::wire::plugin;
use crate::wire::plugin::grpc_broker_server::GrpcBroker;
use crate::wire::plugin::grpc_controller_server::GrpcController;
use crate::wire::plugin::grpc_stdio_server::GrpcStdio;

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// All of them; streams stay open and silent until shutdown.
#[derive(Clone)]
pub(super) struct Side {
    pub(super) shutdown: CancellationToken,
}

impl Side {
    fn silence<T: Send + 'static>(&self) -> Messages<T> {
        let shutdown = self.shutdown.clone();
        Box::pin(futures::stream::pending().take_until(shutdown.cancelled_owned()))
    }
}

#[tonic::async_trait]
impl GrpcController for Side {
    /// Answers at once; the process drains and ends afterwards.
    async fn shutdown(&self, _: Request<plugin::Empty>) -> Result<Response<plugin::Empty>, Status> {
        tracing::debug!("core asked for shutdown");
        self.shutdown.cancel();
        Ok(Response::new(plugin::Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcBroker for Side {
    type StartStreamStream = Messages<plugin::ConnInfo>;

    async fn start_stream(
        &self,
        _: Request<Streaming<plugin::ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(self.silence()))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Side {
    type StreamStdioStream = Messages<plugin::StdioData>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.silence()))
    }
}

#[tonic::async_trait]
impl Health for Side {
    type WatchStream = Messages<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" | "plugin" => Ok(Response::new(serving())),
            other => Err(Status::not_found(format!("no service `{other}`"))),
        }
    }

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let first = futures::stream::once(async { Ok(serving()) });
        Ok(Response::new(Box::pin(first.chain(self.silence()))))
    }
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    }
}
