//! Where core connects: a Unix socket in a private folder, else, under TLS only, TCP on loopback.
//!
//! Invariant: without TLS there is no TCP. A folder that only this user can enter is then all that keeps others out.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
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

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub(super) enum BindError {
    /// TLS would protect TCP, and there was no TCP either.
    #[error("could not listen on a Unix socket, nor on 127.0.0.1")]
    Tcp(#[source] io::Error),
    /// Nothing but the socket's folder keeps others out, and there is no such folder.
    #[error(
        "could not open a Unix socket that only this user can reach ({})\n  \
         on:      the provider's socket; without PLUGIN_CLIENT_CERT no client proves who it is, so TCP would let every \
         user of this machine call the provider with its credentials\n  \
         changed: Nothing was changed; the provider does not listen.\n  \
         next:    {next} and start again.",
        tried.join("; ")
    )]
    NoPrivateFolder {
        /// Each folder that was tried, with what is wrong with it.
        tried: Vec<String>,
        /// What to set to what.
        next: &'static str,
    },
}

impl Listener {
    /// Listens where only core can call.
    ///
    /// With TLS each client proves that it is core, so TCP on loopback serves where no Unix socket can be made.
    /// Without TLS the folder of the socket is the only lock there is: then it is a Unix socket in a private folder, or nothing.
    pub(super) async fn bind(
        environment: &Environment,
        authenticated: bool,
    ) -> Result<Self, BindError> {
        let named = environment.filled("PLUGIN_UNIX_SOCKET_DIR");
        if authenticated {
            let parent = named.map_or_else(std::env::temp_dir, PathBuf::from);
            return match Self::bind_unix(&parent) {
                Ok(listener) => Ok(listener),
                Err(error) => {
                    tracing::debug!(%error, "no Unix socket, listening on 127.0.0.1");
                    Self::bind_tcp().await.map_err(BindError::Tcp)
                }
            };
        }
        let mut tried = Vec::new();
        for parent in candidates(environment) {
            match trusted(&parent).and_then(|()| Self::bind_unix(&parent)) {
                Ok(listener) => return Ok(listener),
                Err(error) => tried.push(format!("{}: {error}", parent.display())),
            }
        }
        let next = match named {
            Some(_) => {
                "Set PLUGIN_UNIX_SOCKET_DIR to a short folder that only you can write to, or unset it,"
            }
            None => "Set TMPDIR to a short folder that only you can write to,",
        };
        Err(BindError::NoPrivateFolder { tried, next })
    }

    fn bind_unix(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("plugin")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        // A umask may have taken the owner's own permissions away.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700))?;
        let path = folder.path().join("socket");
        let length = path.as_os_str().len();
        if length > LONGEST_PATH {
            return Err(invalid(format!(
                "the socket's path would have {length} bytes, and at most {LONGEST_PATH} are possible"
            )));
        }
        if path.to_str().is_none_or(|path| path.contains(['|', '\n'])) {
            return Err(invalid("the socket's path would not be plain text".into()));
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

/// Where to look for a private folder: what was named and nothing else, else the usual places, short ones last.
fn candidates(environment: &Environment) -> Vec<PathBuf> {
    if let Some(named) = environment.filled("PLUGIN_UNIX_SOCKET_DIR") {
        return vec![named.into()];
    }
    let mut folders = vec![
        environment
            .filled("TMPDIR")
            .map_or_else(std::env::temp_dir, PathBuf::from),
    ];
    let usual = [environment.filled("XDG_RUNTIME_DIR"), Some("/tmp")];
    for folder in usual.into_iter().flatten().map(PathBuf::from) {
        if folder.is_absolute() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// Refuses a folder in which another user could put something else in the place of ours.
fn trusted(parent: &Path) -> io::Result<()> {
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o022;
    let data = std::fs::metadata(parent)?;
    let mode = data.permissions().mode();
    let owner = data.uid();
    let mine = owner == 0 || owner == rustix::process::geteuid().as_raw();
    if !mine {
        return Err(invalid("the folder belongs to another user".into()));
    }
    if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
        return Err(invalid(
            "other users may rename what is in the folder".into(),
        ));
    }
    Ok(())
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_private_and_goes_with_the_listener() {
        let parent = tempfile::tempdir().unwrap();
        let text = parent.path().to_str().unwrap();
        let environment = Environment::from_iter([("PLUGIN_UNIX_SOCKET_DIR", text)]);
        let listener = Listener::bind(&environment, false).await.unwrap();
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

    fn long(parent: &Path) -> String {
        let long = parent.join("x".repeat(100));
        std::fs::create_dir(&long).unwrap();
        long.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn under_tls_a_path_too_long_means_loopback() {
        let parent = tempfile::tempdir().unwrap();
        let long = long(parent.path());
        let environment = Environment::from_iter([("PLUGIN_UNIX_SOCKET_DIR", long.as_str())]);
        let endpoint = Listener::bind(&environment, true).await.unwrap().endpoint();
        assert_eq!(endpoint.network, "tcp");
        assert!(
            endpoint.address.starts_with("127.0.0.1:"),
            "{}",
            endpoint.address
        );
        assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn without_tls_a_path_too_long_means_another_private_folder() {
        let parent = tempfile::tempdir().unwrap();
        let long = long(parent.path());
        let short = parent.path().join("run");
        std::fs::create_dir(&short).unwrap();
        let environment = Environment::from_iter([
            ("TMPDIR", long.as_str()),
            ("XDG_RUNTIME_DIR", short.to_str().unwrap()),
        ]);
        let endpoint = Listener::bind(&environment, false)
            .await
            .unwrap()
            .endpoint();
        assert_eq!(endpoint.network, "unix");
        assert!(Path::new(&endpoint.address).starts_with(&short));
        assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn without_tls_nothing_listens_where_others_could_come_between() {
        let parent = tempfile::tempdir().unwrap();
        let open = parent.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let long = long(parent.path());
        for (folder, why) in [
            (open.to_str().unwrap(), "other users may rename"),
            (long.as_str(), "at most"),
            ("/proc/self/no-such-folder", "No such file"),
        ] {
            let environment = Environment::from_iter([("PLUGIN_UNIX_SOCKET_DIR", folder)]);
            let Err(error) = Listener::bind(&environment, false).await else {
                panic!("{folder}: something listens")
            };
            let text = error.to_string();
            assert!(text.contains(why) && text.contains(folder), "{text}");
            assert!(
                text.contains("next:    Set PLUGIN_UNIX_SOCKET_DIR"),
                "{text}"
            );
        }
    }
}
