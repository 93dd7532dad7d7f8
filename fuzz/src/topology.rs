use gigadb_engine::topology::Topology;

/// A topology is read, or every fault has a place within the text; reading is repeatable.
pub fn topology(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Topology::parse(text) {
        Ok(parsed) => {
            let again = Topology::parse(text).map(|again| again.topology.digest());
            assert_eq!(again.ok(), Some(parsed.topology.digest()));
        }
        Err(faults) => {
            let lines = text.split(['\n', '\r']).count();
            assert!(!faults.0.is_empty());
            for fault in &faults.0 {
                assert!((1..=lines).contains(&fault.place.line), "{fault:?}");
            }
        }
    }
}
