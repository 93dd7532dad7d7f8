//! Damaged files: nothing panics, and a slip is found where it is.

use proptest::{prelude::*, sample::Index};

use super::{examples, faults::SMALL};
use crate::topology::{
    Place, Topology,
    yaml::{self, Kind, Node},
};

/// `-` before a name makes it an unknown key or an invalid name, whatever it was.
#[test]
fn a_slip_in_any_key_is_found_in_its_place() {
    for text in [SMALL.to_owned(), examples::text("upstream")] {
        let root = yaml::read(&text, &mut Vec::new()).unwrap();
        let mut keys = Vec::new();
        places_of_keys(&root, &mut keys);
        assert!(keys.len() > 20);
        for place in keys {
            let changed = with_inserted(&text, place, '-');
            let faults = Topology::parse(&changed).unwrap_err();
            assert!(
                faults.0.iter().any(|f| f.place == place),
                "{place}: {faults:?}"
            );
        }
    }
}

fn places_of_keys(node: &Node, places: &mut Vec<Place>) {
    if let Kind::Mapping(entries) = &node.kind {
        for (key, value) in entries {
            places.push(key.place);
            places_of_keys(value, places);
        }
    }
}

fn with_inserted(text: &str, place: Place, inserted: char) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[place.line - 1].insert(place.column - 1, inserted);
    lines.join("\n") + "\n"
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Topology::parse(&text);
    }

    #[test]
    fn arbitrary_yaml_never_panics(text in "[-a-c0-1:{}\\[\\],&*!|>?%@`'\"# \n\t.~é]{0,60}") {
        let _ = Topology::parse(&text);
    }

    #[test]
    fn a_damaged_file_never_panics_and_faults_have_places(
        at in any::<Index>(),
        length in 0..20_usize,
        inserted in "[-a:{}\\[\\],&*!|>'\"# \n\t]{0,6}",
    ) {
        let text = examples::text("upstream");
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        let damaged = format!("{}{inserted}{}", &text[..start], &text[end..]);
        if let Err(faults) = Topology::parse(&damaged) {
            let lines = damaged.lines().count() + 1;
            prop_assert!(!faults.0.is_empty());
            prop_assert!(faults.0.iter().all(|f| (1..=lines).contains(&f.place.line)));
        }
    }
}
