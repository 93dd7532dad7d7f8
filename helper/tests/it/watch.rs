//! `watch`: a cutover is followed to its end, past real resolvers.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
};

use gigadb_simulator::{DnsEffect, DnsFault};
use serde_json::Value;

use crate::{
    endpoints::{HONG_KONG, Machines, SYDNEY, Server, WEB, free_port},
    lines::check,
    stage::not_run,
};

pub(crate) const TO_SYDNEY: [&str; 7] = [
    "watch",
    "-e",
    "live",
    "--production",
    "alt-gigadb-website",
    "--interval",
    "1",
];

/// Production's names as they shall be once Sydney is production.
pub(crate) fn trade(machines: &Machines) {
    for name in WEB {
        machines.stage.set_record(name, &SYDNEY[0].to_string());
    }
    let stage = &machines.stage;
    stage.set_record("bastion.gigadb.org", &SYDNEY[1].to_string());
    stage.set_record("files.gigadb.org", &SYDNEY[2].to_string());
}

/// Both sides answer HTTPS; nothing else is asked. A TTL of 1 is Cloudflare's word for 300 s.
pub(crate) fn machines(further: &str, ttl: u64) -> Machines {
    Machines::new("[]", "[]", further, ttl)
}

/// A watch under way, whose JSON lines are read one by one.
struct Following {
    child: Child,
    lines: Box<dyn Iterator<Item = Value>>,
}

impl Following {
    fn begin(machines: &Machines, arguments: &[&str]) -> Self {
        let arguments = [arguments, &["--format", "json"]].concat();
        let mut command = machines.stage.command(&machines.with_authority(&arguments));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = lines.map(|line| {
            let line = serde_json::from_str(&line.unwrap()).unwrap();
            check("watch", &line);
            line
        });
        Self {
            child,
            lines: Box::new(lines),
        }
    }

    /// The first line from here on that is so.
    fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        self.lines.find(|line| is(line)).unwrap()
    }

    fn ends_with(mut self, code: i32) {
        self.lines.by_ref().for_each(drop);
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }
}

fn phase(line: &Value, word: &str) -> bool {
    line["phase"] == word
}

#[test]
fn a_cutover_that_was_made_ends_one_ttl_later() {
    let machines = machines("", 2);
    trade(&machines);
    let told = machines.run(&["watch", "-e", "live", "--interval", "1"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    for part in [
        "gigadb.org: 1 of 1 name servers lead to alt-gigadb-website",
        "gigadb.org: gigadb-website answers https:PORT with status 200",
        "gigadb.org: alt-gigadb-website answers https:PORT with status 200",
        "Some may be led to the old addresses until ",
        "`gigadb-website` may be touched since ",
        "and `alt-gigadb-website` answers.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_cutover_that_never_comes_is_given_up_with_3() {
    let machines = machines("", 2);
    let told = machines.run(&[&TO_SYDNEY[..], &["--timeout", "4"]].concat());
    assert!(told.starts_with("exit 3\n"), "{told}");
    for part in [
        "The name servers do not all lead to alt-gigadb-website yet",
        "error: The cutover of `live` to `alt-gigadb-website` is not over: name server `",
        "gives 127.51.100.10 (`gigadb-website`) for `gigadb.org`",
        "next:    Leave the old side serving, remove the cause, and watch again.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Programs read one document a line, to the end.
    let following = Following::begin(&machines, &[&TO_SYDNEY[..], &["--timeout", "4"]].concat());
    following.ends_with(3);
    let unreadable = [
        "watch",
        "-e",
        "live",
        "--format",
        "json",
        "--topology",
        "none.yaml",
    ];
    let answer = machines.stage.answer_with(1, &unreadable);
    let line: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.lines().count(), 1, "{line:#}");
    assert_eq!(line["exit_code"], 1);
}

#[test]
fn a_resolver_that_lags_is_named_until_it_follows() {
    // The second name server of the simulated world stands for a resolver.
    let machines = machines("resolvers: [RESOLVER]", 2);
    let file = machines.stage.environment["GIGADB_TOPOLOGY"].clone();
    let resolver = machines.stage.simulator.name_servers()[1];
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("[RESOLVER]", &format!("[\"{resolver}\"]")),
    )
    .unwrap();
    trade(&machines);
    let old = DnsFault::new(DnsEffect::Addresses(vec![HONG_KONG[0]]));
    let old = old.server(2).name("gigadb.org").kind("A");
    machines.stage.simulator.dns_fault(old);
    let mut following = Following::begin(&machines, &TO_SYDNEY);
    let lagging = following.until(|line| phase(line, "unwell"));
    let faults = lagging["faults"].to_string();
    assert!(
        faults.contains(&format!("resolver `{resolver}` gives 127.51.100.10")),
        "{faults}"
    );
    machines.stage.simulator.clear_dns_faults();
    following.until(|line| phase(line, "over"));
    following.ends_with(0);
}

#[test]
fn an_endpoint_that_fails_on_the_new_side_holds_the_end_up() {
    let machines = machines("", 2);
    trade(&machines);
    machines.sites.refuse(SYDNEY[0]);
    let mut following = Following::begin(&machines, &TO_SYDNEY);
    let unwell = following.until(|line| phase(line, "unwell"));
    let faults = unwell["faults"].to_string();
    assert!(
        faults.contains("`alt-gigadb-website`, where `gigadb.org` shall lead"),
        "{faults}"
    );
    let site = gigadb_simulator::sites::Site::of(&WEB);
    machines.sites.set(SYDNEY[0], site).unwrap();
    following.until(|line| phase(line, "over"));
    following.ends_with(0);
}

#[test]
fn a_proxied_name_is_followed_by_cloudflares_api() {
    let machines = machines("", 2);
    machines.stage.simulator.edit(|world| {
        for name in WEB {
            world.cloudflare.record_mut(name, "A").unwrap().proxied = true;
        }
    });
    let mut following = Following::begin(&machines, &TO_SYDNEY);
    let moving = following.until(|_| true);
    assert_eq!(moving["phase"], "moving");
    let apex = &moving["names"][2];
    assert_eq!(apex["hostname"], "gigadb.org");
    assert_eq!(apex["servers"]["Cloudflare's API"], "127.51.100.10");
    trade(&machines);
    following.until(|line| phase(line, "over"));
    following.ends_with(0);
}

#[test]
fn a_side_that_there_is_not_is_usage() {
    let machines = machines("", 2);
    let told = machines.run(&["watch", "-e", "live", "--production", "nobody"]);
    assert!(told.starts_with("exit 64\n"), "{told}");
}

/// Two resolvers that others wrote, which ask the simulated name server and keep what it says.
#[test]
fn real_resolvers_are_waited_for() {
    let [dnsmasq, unbound] = ["dnsmasq", "unbound"].map(|name| {
        let path = Path::new("/usr/sbin").join(name);
        path.exists().then_some(path)
    });
    let (Some(dnsmasq), Some(unbound)) = (dnsmasq, unbound) else {
        not_run("resolvers that others wrote: dnsmasq or unbound is not installed");
        return;
    };
    let ports = [free_port(), free_port()];
    let resolvers = ports.map(|port| format!("127.0.0.1:{port}"));
    let further = format!("resolvers: [\"{}\", \"{}\"]", resolvers[0], resolvers[1]);
    let machines = machines(&further, 5);
    let upstream = machines.stage.simulator.name_servers()[0].port();
    let _servers = [
        start_dnsmasq(&dnsmasq, ports[0], upstream),
        start_unbound(&unbound, machines.stage.folder(), ports[1], upstream),
    ];
    let mut following = Following::begin(&machines, &TO_SYDNEY);
    // They keep the old addresses before anything has moved.
    let apex = |line: &Value| {
        let names = line["names"].as_array().unwrap().clone();
        names
            .into_iter()
            .find(|name| name["hostname"] == "gigadb.org")
            .unwrap()
    };
    following.until(|line| {
        let kept = &apex(line)["resolvers"];
        resolvers
            .iter()
            .all(|one| kept[one]["leads"] == HONG_KONG[0].to_string().as_str())
    });
    trade(&machines);
    let running_out = following.until(|line| phase(line, "running_out"));
    let until = running_out["until"].as_u64().unwrap();
    let over = following.until(|line| phase(line, "over"));
    assert!(over["time"].as_u64().unwrap() >= until);
    for resolver in &resolvers {
        assert_eq!(apex(&over)["resolvers"][resolver]["leads"], "new", "{over}");
    }
    following.ends_with(0);
}

fn start_dnsmasq(program: &Path, port: u16, upstream: u16) -> Server {
    let mut command = Command::new(program);
    command
        .args([
            "--no-daemon",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
        ])
        .args([
            "--bind-interfaces",
            "--listen-address=127.0.0.1",
            "--pid-file=",
        ])
        .arg(format!("--port={port}"))
        .arg(format!("--server=127.0.0.1#{upstream}"));
    Server::start(&mut command, (Ipv4Addr::LOCALHOST, port))
}

fn start_unbound(program: &Path, folder: &Path, port: u16, upstream: u16) -> Server {
    let file = folder.join("unbound.conf");
    let text = format!(
        "server:\n  do-daemonize: no\n  interface: 127.0.0.1@{port}\n  chroot: \"\"\n  username: \"\"\n  \
         pidfile: \"\"\n  use-syslog: no\n  directory: \"{}\"\n  module-config: \"iterator\"\n  \
         do-not-query-localhost: no\n  access-control: 127.0.0.0/8 allow\n\
         remote-control:\n  control-enable: no\n\
         forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{upstream}\n",
        folder.display()
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new(program);
    command.arg("-d").arg("-c").arg(&file);
    Server::start(&mut command, (Ipv4Addr::LOCALHOST, port))
}
