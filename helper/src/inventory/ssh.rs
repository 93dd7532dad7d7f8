//! How Ansible's SSH reaches a host: directly, or through the bastion of its own side.

use std::net::Ipv4Addr;

use gigadb_engine::topology::Ssh;

use crate::quoting;

/// The bastion to go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Jump {
    /// Its name in the inventory, under which its host key is kept.
    pub(crate) host: String,
    /// Its public address.
    pub(crate) address: Ipv4Addr,
}

/// How a host is reached whose keys are kept by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The address that ssh connects to.
    pub(crate) address: Ipv4Addr,
    /// The login there.
    pub(crate) user: String,
    /// The bastion, where the host is behind one.
    pub(crate) jump: Option<Jump>,
    pub(super) ssh: Ssh,
    pub(super) key: Option<String>,
}

impl Way {
    /// What ssh is told beside the address: the same as by Ansible, with `hop` more options for
    /// the way through the bastion.
    pub(crate) fn options(&self, host: &str, hop: &[String]) -> Vec<String> {
        options(
            host,
            self.jump.as_ref(),
            &self.ssh,
            self.key.as_deref(),
            hop,
        )
    }
}

/// The value of `ansible_ssh_common_args`, which Ansible splits as a shell would.
///
/// `HostKeyAlias` keeps host keys apart by inventory name, because private addresses repeat
/// between the sides.
pub(super) fn common_args(host: &str, jump: Option<&Jump>, ssh: &Ssh, key: Option<&str>) -> String {
    let args = options(host, jump, ssh, key, &[]);
    let args: Vec<String> = args.iter().map(|arg| quoting::word(arg)).collect();
    args.join(" ")
}

fn options(
    host: &str,
    jump: Option<&Jump>,
    ssh: &Ssh,
    key: Option<&str>,
    hop: &[String],
) -> Vec<String> {
    let mut args = vec!["-o".to_owned(), format!("HostKeyAlias={host}")];
    if let Some(jump) = jump {
        args.push("-o".to_owned());
        args.push(format!(
            "ProxyCommand={}",
            proxy_command(jump, ssh, key, hop)
        ));
    }
    args
}

/// The command that ssh runs by a shell after expanding its own `%` tokens.
fn proxy_command(jump: &Jump, ssh: &Ssh, key: Option<&str>, hop: &[String]) -> String {
    let mut words = vec!["ssh".to_owned(), "-W".to_owned(), "%h:%p".to_owned()];
    let literal = |text: &str| quoting::word(&text.replace('%', "%%"));
    words.extend(hop.iter().map(|word| literal(word)));
    if let Some(key) = key {
        words.extend(["-i".to_owned(), literal(key)]);
    }
    words.extend([
        "-o".to_owned(),
        literal(&format!("HostKeyAlias={}", jump.host)),
    ]);
    words.extend(["-l".to_owned(), literal(&ssh.bastion_user)]);
    words.push(jump.address.to_string());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jump() -> Jump {
        Jump {
            host: "a-live-bastion".to_owned(),
            address: Ipv4Addr::new(198, 51, 100, 11),
        }
    }

    fn ssh(user: &str) -> Ssh {
        Ssh {
            user: "centos".to_owned(),
            private_key: None,
            bastion_user: user.to_owned(),
        }
    }

    #[test]
    fn a_host_is_reached_through_its_own_bastion() {
        let cases = [
            (None, None, "-o HostKeyAlias=a-live-web"),
            (
                Some(jump()),
                None,
                "-o HostKeyAlias=a-live-web -o 'ProxyCommand=ssh -W %h:%p \
                 -o HostKeyAlias=a-live-bastion -l ops 198.51.100.11'",
            ),
            (
                Some(jump()),
                Some("~/.ssh/upstream-hk.pem"),
                r"-o HostKeyAlias=a-live-web -o 'ProxyCommand=ssh -W %h:%p -i '\''~/.ssh/upstream-hk.pem'\'' -o HostKeyAlias=a-live-bastion -l ops 198.51.100.11'",
            ),
        ];
        for (jump, key, expected) in cases {
            assert_eq!(
                common_args("a-live-web", jump.as_ref(), &ssh("ops"), key),
                expected
            );
        }
    }

    /// What a POSIX shell makes of the two levels: Ansible's split, then ssh's shell.
    #[test]
    fn odd_characters_survive_both_shells() {
        let key = r#"/home/o'neil/my keys/100%;$(reboot) "x"\n.pem"#;
        let args = common_args("a-live-web", Some(&jump()), &ssh("centos"), Some(key));
        let split = |text: &str| {
            let script = format!("for w in {text}; do printf '%s\\0' \"$w\"; done");
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            text.split_terminator('\0')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let outer = split(&args);
        assert_eq!(outer.len(), 4);
        let command = outer[3].strip_prefix("ProxyCommand=").unwrap();
        // ssh replaces its tokens before it starts the shell.
        let expanded = command.replace("%h:%p", "10.99.0.10:22").replace("%%", "%");
        let words = split(&expanded);
        assert_eq!(
            words,
            [
                "ssh",
                "-W",
                "10.99.0.10:22",
                "-i",
                key,
                "-o",
                "HostKeyAlias=a-live-bastion",
                "-l",
                "centos",
                "198.51.100.11"
            ]
        );
    }
}
