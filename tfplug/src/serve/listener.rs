//! Where core connects: a Unix socket in a private folder, else TCP on loopback.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::handshake::{Endpoint, Environment};

/// The longest path of a Unix socket everywhere: 104 bytes with the final NUL on macOS, 108 on Linux.
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A byte stream to one client.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A stream to one client, of whatever kind.
pub(super) type BoxedIo = Pin<Box<dyn Io>>;

/// A listening socket. Dropping it removes the socket's folder.
pub(super) enum Listener {
    Unix {
        listener: UnixListener,
        path: PathBuf,
        _folder: TempDir,
    },
    Tcp {
        listener: TcpListener,
        endpoint: Endpoint,
    },
}

impl Listener {
    /// Listens on a Unix socket where the path allows it.
    pub(super) async fn bind(environment: &Environment) -> io::Result<Self> {
        let parent = environment
            .filled("PLUGIN_UNIX_SOCKET_DIR")
            .map_or_else(std::env::temp_dir, PathBuf::from);
        match Self::bind_unix(&parent) {
            Ok(listener) => Ok(listener),
            Err(error) => {
                tracing::debug!(%error, "no Unix socket, listening on 127.0.0.1");
                Self::bind_tcp().await
            }
        }
    }

    fn bind_unix(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("plugin")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let path = folder.path().join("socket");
        if path.as_os_str().len() > LONGEST_PATH
            || path.to_str().is_none_or(|path| path.contains(['|', '\n']))
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the socket's path is too long, or not plain text",
            ));
        }
        Ok(Self::Unix {
            listener: UnixListener::bind(&path)?,
            path,
            _folder: folder,
        })
    }

    async fn bind_tcp() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        Ok(Self::Tcp {
            listener,
            endpoint: Endpoint {
                network: "tcp",
                address,
            },
        })
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Unix { path, .. } => Endpoint {
                network: "unix",
                address: path.to_string_lossy().into_owned(),
            },
            Self::Tcp { endpoint, .. } => endpoint.clone(),
        }
    }

    /// Waits for the next client.
    pub(super) async fn accept(&self) -> io::Result<BoxedIo> {
        match self {
            Self::Unix { listener, .. } => Ok(Box::pin(listener.accept().await?.0)),
            Self::Tcp { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                // Without it Nagle and delayed acknowledgements add 40 ms to every call.
                stream.set_nodelay(true)?;
                Ok(Box::pin(stream))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_private_and_goes_with_the_listener() {
        let parent = tempfile::tempdir().unwrap();
        let text = parent.path().to_str().unwrap();
        let listener = Listener::bind(&Environment::from_iter([("PLUGIN_UNIX_SOCKET_DIR", text)]))
            .await
            .unwrap();
        let endpoint = listener.endpoint();
        assert_eq!(endpoint.network, "unix");
        let folder = Path::new(&endpoint.address).parent().unwrap().to_owned();
        assert!(folder.starts_with(parent.path()));
        assert_eq!(
            folder.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
        drop(listener);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_path_too_long_means_loopback() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(100));
        std::fs::create_dir(&long).unwrap();
        let environment =
            Environment::from_iter([("PLUGIN_UNIX_SOCKET_DIR", long.to_str().unwrap())]);
        let endpoint = Listener::bind(&environment).await.unwrap().endpoint();
        assert_eq!(endpoint.network, "tcp");
        assert!(
            endpoint.address.starts_with("127.0.0.1:"),
            "{}",
            endpoint.address
        );
        assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
    }
}
