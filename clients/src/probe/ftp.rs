//! FTP, as far as its greeting: <https://www.rfc-editor.org/rfc/rfc959#section-4.2>.

use std::{net::SocketAddr, time::Duration};

use gigadb_engine::answer::{Answer, Answered};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::Instant,
};

use super::connection::{connect, in_time};

/// The most that is read of a greeting, in bytes.
const GREETING_AT_MOST: u64 = 8 * 1024;

/// Connects, reads the greeting and takes leave.
pub(super) async fn ask(address: SocketAddr, deadline: Instant, limit: Duration) -> Answer {
    let stream = connect(address, deadline, limit).await?;
    let (greeting, mut stream) = in_time(deadline, limit, "greeting", greeting(stream)).await??;
    // Whether the leave is heard matters to nobody.
    let _ = stream.write_all(b"QUIT\r\n").await;
    Ok(greeting)
}

/// The first reply: one line, or several until one begins with the same code and a space.
async fn greeting(stream: TcpStream) -> Result<(Answered, TcpStream), String> {
    let mut reader = BufReader::new(stream).take(GREETING_AT_MOST);
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).await;
        let read = read.map_err(|error| format!("its greeting broke off ({error})"))?;
        if read == 0 {
            let why = if lines.is_empty() {
                "the connection was closed without a greeting"
            } else {
                "its greeting broke off"
            };
            return Err(why.to_owned());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let first = lines.first().unwrap_or(&line);
        let code = code(first).ok_or("what it answers is not FTP")?;
        let last = line.get(..4) == Some(&format!("{code} ")) || line == code.to_string();
        lines.push(line);
        if last {
            let texts = lines.iter().map(|line| {
                let own = line.strip_prefix(&code.to_string()).unwrap_or(line);
                own.trim_start_matches(['-', ' ']).trim()
            });
            let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
            let greeting = texts.join(" ");
            let stream = reader.into_inner().into_inner();
            return Ok((Answered::Ftp { code, greeting }, stream));
        }
    }
}

/// The code that a reply begins with.
fn code(line: &str) -> Option<u16> {
    let digits = line.get(..3)?;
    let follows = line[3..].chars().next();
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit()) && matches!(follows, None | Some(' ' | '-'));
    plain.then(|| digits.parse().ok())?
}
