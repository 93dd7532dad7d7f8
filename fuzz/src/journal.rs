use gigadb_clients::journal::Run;

/// A journal is read or refused; only a cut-off last line is ever left out.
pub fn journal(data: &[u8]) {
    match Run::parse(data) {
        Ok(run) => {
            let lines = data.split(|byte| *byte == b'\n');
            let lines = lines.filter(|line| !line.is_empty()).count();
            let left_out = lines - 1 - run.entries.len();
            assert!(left_out <= usize::from(run.cut_off));
            let _ = (run.outcome(), run.statuses(), run.announced());
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
