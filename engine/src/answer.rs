//! What an endpoint answers when it is asked by one of its protocols, and whether that is well.

use std::net::IpAddr;

use serde::Serialize;

use crate::{name::Hostname, topology::Protocol};

/// How many days of a certificate's life are left before it is worth a word.
pub const FEW_DAYS: i64 = 14;

/// One question: a name, at an address, by a protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The name asked for: in SNI and `Host` where the protocol has them.
    pub hostname: Hostname,
    /// The address asked.
    pub address: IpAddr,
    /// By what.
    pub protocol: Protocol,
}

/// What came back; an error is a clause that says why nothing did.
pub type Answer = Result<Answered, String>;

/// What an endpoint answered. Texts in it are somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answered", rename_all = "snake_case")]
pub enum Answered {
    /// HTTPS, over a chain and a name that verify.
    Https {
        /// The HTTP status.
        status: u16,
        /// Whole days until the certificate ends.
        days_left: i64,
    },
    /// SSH.
    Ssh {
        /// What the server calls itself.
        banner: Option<String>,
        /// Its host keys.
        keys: Vec<HostKey>,
        /// Why there are none: a clause.
        no_keys: Option<String>,
    },
    /// FTP.
    Ftp {
        /// The code of the greeting; 220 is ready.
        code: u16,
        /// The greeting.
        greeting: String,
    },
    /// A connection was accepted.
    Tcp,
}

/// A host key, by what people compare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HostKey {
    /// Its type, such as `ssh-ed25519`.
    pub kind: String,
    /// Its fingerprint, as `ssh-keygen -l` writes it.
    pub fingerprint: String,
}

impl Answered {
    /// What is wrong with the answer: a clause. `None` where it is well.
    pub fn fault(&self) -> Option<String> {
        match self {
            Self::Https { status, .. } if !(200..400).contains(status) => {
                Some(format!("it answers with status {status}"))
            }
            Self::Ftp { code, greeting } if *code != 220 => {
                Some(format!("its FTP greeting is not 220: {code} {greeting}"))
            }
            _ => None,
        }
    }

    /// What is worth knowing of a well answer: a clause.
    pub fn doubt(&self) -> Option<String> {
        match self {
            Self::Https { days_left, .. } if *days_left < FEW_DAYS => {
                Some(format!("its certificate ends in {}", days(*days_left)))
            }
            Self::Ssh {
                no_keys: Some(why), ..
            } => Some(format!("its host key was not read: {why}")),
            _ => None,
        }
    }

    /// The answer in a few words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Https { status, days_left } => {
                format!("status {status}, certificate for {} more", days(*days_left))
            }
            Self::Ssh { banner, keys, .. } => {
                let banner = banner.as_deref().unwrap_or("SSH");
                let keys: Vec<String> = keys
                    .iter()
                    .map(|key| format!("{} {}", key.kind, key.fingerprint))
                    .collect();
                if keys.is_empty() {
                    banner.to_owned()
                } else {
                    format!("{banner}, {}", keys.join(", "))
                }
            }
            Self::Ftp { code, greeting } => format!("{code} {greeting}"),
            Self::Tcp => "a connection".to_owned(),
        }
    }
}

/// What is wrong with an answer, or why there is none: a clause.
pub fn fault(answer: &Answer) -> Option<String> {
    match answer {
        Ok(answered) => answered.fault(),
        Err(why) => Some(why.clone()),
    }
}

fn days(days: i64) -> String {
    let s = if days == 1 { "" } else { "s" };
    format!("{days} day{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_what_it_says() {
        let https = |status, days_left| Answered::Https { status, days_left };
        assert_eq!(https(302, 40).fault(), None);
        assert_eq!(https(200, 14).doubt(), None);
        assert_eq!(
            https(200, 1).doubt().as_deref(),
            Some("its certificate ends in 1 day")
        );
        assert_eq!(
            https(503, 90).fault().as_deref(),
            Some("it answers with status 503")
        );
        let ftp = |code| Answered::Ftp {
            code,
            greeting: "ready".to_owned(),
        };
        assert_eq!(ftp(220).fault(), None);
        assert!(ftp(421).fault().is_some());
        assert_eq!(
            fault(&Err("nobody is there".to_owned())).as_deref(),
            Some("nobody is there")
        );
    }

    #[test]
    fn an_ssh_server_whose_key_was_not_read_is_well_with_a_doubt() {
        let ssh = Answered::Ssh {
            banner: Some("SSH-2.0-x".to_owned()),
            keys: Vec::new(),
            no_keys: Some("`ssh-keyscan` is not installed".to_owned()),
        };
        assert_eq!(ssh.fault(), None);
        assert!(ssh.doubt().is_some());
        assert_eq!(ssh.in_words(), "SSH-2.0-x");
    }
}
