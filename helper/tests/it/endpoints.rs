//! Machines that answer by several protocols, for `verify` and `watch`: a real SSH server, FTP
//! greetings, the simulated HTTPS sites.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{
    World,
    sites::{Site, Sites},
};

use crate::stage::Stage;

/// The production names of web machines.
pub(crate) const WEB: [&str; 2] = ["gigadb.org", "portainer.gigadb.org"];
/// The machines of both sides, after the procedure's: web, bastion, files.
pub(crate) const HONG_KONG: [Ipv4Addr; 3] = side(51, 100);
pub(crate) const SYDNEY: [Ipv4Addr; 3] = side(0, 113);

const fn side(second: u8, third: u8) -> [Ipv4Addr; 3] {
    [
        Ipv4Addr::new(127, second, third, 10),
        Ipv4Addr::new(127, second, third, 11),
        Ipv4Addr::new(127, second, third, 12),
    ]
}

/// The procedure's world on loopback, whose records DNS shows as they are, with web machines on
/// both sides.
pub(crate) struct Machines {
    pub(crate) stage: Stage,
    pub(crate) sites: Sites,
}

impl Machines {
    /// `protocols` of bastion and files as the topology writes them, and what stands before its
    /// environments. Records may be kept for `ttl` seconds.
    pub(crate) fn new(bastion: &str, files: &str, further: &str, ttl: u64) -> Self {
        let sites = Sites::start().unwrap();
        for side in [HONG_KONG, SYDNEY] {
            sites.set(side[0], Site::of(&WEB)).unwrap();
        }
        let stage = Stage::with_world(World::sop().on_loopback());
        stage.simulator.edit(|world| {
            let zones = world.cloudflare.zones.iter_mut();
            for record in zones.flat_map(|zone| &mut zone.records) {
                record.proxied = false;
                record.ttl = ttl;
            }
        });
        let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
        let web = "    instance: \"gigadb_webserver_{environment}_{owner}\"\n";
        let port = sites.port();
        let text = text
            .replacen(web, &format!("{web}    protocols: [\"https:{port}\"]\n"), 1)
            .replacen("protocols: [ssh]", &format!("protocols: {bastion}"), 1)
            .replacen("protocols: [ftp, ssh]", &format!("protocols: {files}"), 1)
            .replacen("\nenvironments:", &format!("\n{further}\nenvironments:"), 1);
        let file = stage.write("topology.yaml", &text);
        let file = file.to_str().unwrap().to_owned();
        Self {
            stage: stage.with("GIGADB_TOPOLOGY", &file),
            sites,
        }
    }

    /// Runs a command that asks endpoints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let told = self.stage.run(&self.with_authority(arguments));
        told.replace(&format!("https:{}", self.sites.port()), "https:PORT")
    }

    /// The arguments, with the authority of the sites.
    pub(crate) fn with_authority<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let file = self.sites.ca_file().to_str().unwrap();
        [arguments, &["--https-ca-file", file]].concat()
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Answers every connection at `addresses` with a greeting. It ends with the test.
pub(crate) fn greet(addresses: &[Ipv4Addr], greeting: &'static str) -> u16 {
    let mut port = 0;
    for address in addresses {
        let listener = TcpListener::bind((*address, port)).unwrap();
        port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let _ = stream.write_all(greeting.as_bytes());
                // Until the other one takes leave.
                let mut rest = [0; 64];
                let _ = stream.read(&mut rest);
            }
        });
    }
    port
}

/// A program that ends with the test.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it, and waits until `address` accepts connections.
    pub(crate) fn start(command: &mut Command, address: (Ipv4Addr, u16)) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(child);
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "{command:?}");
            // It says nowhere that it listens.
            thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real SSH server at an address; the fingerprint of its key. `None` where none is installed.
pub(crate) fn ssh_server(folder: &Path, address: Ipv4Addr, port: u16) -> Option<(Server, String)> {
    let program = "/usr/sbin/sshd";
    if !Path::new(program).exists() {
        return None;
    }
    let key = folder.join("host_key");
    let run = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let file = key.to_str().unwrap();
    run(&["-q", "-t", "ed25519", "-N", "", "-f", file]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let told = run(&["-l", "-f", file]);
    let fingerprint = told.split_whitespace().nth(1).unwrap().to_owned();
    // Where it keeps nobody's privileges, as root alone asks for.
    let _ = fs::create_dir_all("/run/sshd");
    let config = folder.join("sshd_config");
    let lines =
        format!("ListenAddress {address}:{port}\nHostKey {file}\nUsePAM no\nPidFile none\n");
    fs::write(&config, lines).unwrap();
    let mut command = Command::new(program);
    command.args(["-D", "-e", "-f"]).arg(&config);
    let server = Server::start(&mut command, (address, port));
    Some((server, fingerprint))
}
