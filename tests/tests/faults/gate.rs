//! A door in front of one API that can be shut: from then on connections are refused.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Passes one request a connection on, as many as it is told to; then nobody listens.
pub(crate) struct Gate {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Gate {
    /// Lets `requests` pass to the API at `to`.
    pub(crate) async fn open(to: SocketAddr, requests: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Arc::new(Mutex::new(Some(listener)));
        if requests == 0 {
            listener.lock().unwrap().take();
        }
        let task = tokio::spawn(async move {
            let Some(listener) = listener.lock().unwrap().take() else {
                return;
            };
            for _ in 0..requests {
                let Ok((client, _)) = listener.accept().await else {
                    return;
                };
                tokio::spawn(pass(client, to));
            }
        });
        Self { address, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes what comes from either side to the other. The answer says that the connection ends with
/// it, so that the next request needs one of its own.
async fn pass(mut client: TcpStream, to: SocketAddr) -> Option<()> {
    let mut api = TcpStream::connect(to).await.ok()?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_api, mut to_api) = api.split();
    let up = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_api).await;
    };
    let down = async {
        let mut head = Vec::new();
        while !head.contains(&b'\n') {
            if from_api.read_buf(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let line = head.iter().position(|byte| *byte == b'\n')? + 1;
        head.splice(line..line, b"connection: close\r\n".iter().copied());
        to_client.write_all(&head).await.ok()?;
        tokio::io::copy(&mut from_api, &mut to_client).await.ok()?;
        Some(())
    };
    tokio::select! {
        () = up => {}
        _ = down => {}
    }
    Some(())
}
