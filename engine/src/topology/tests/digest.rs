//! The digest changes with everything a topology says, and with nothing else.

use proptest::prelude::*;

use super::{
    examples,
    generate::{render, topology},
};
use crate::topology::Topology;

proptest! {
    #[test]
    fn rendering_and_parsing_gives_the_topology_back(topology in topology()) {
        let yaml = render(&topology);
        match Topology::parse(&yaml) {
            Ok(parsed) => prop_assert_eq!(parsed.topology, topology),
            Err(faults) => prop_assert!(false, "{}\n{}", faults.render("t.yaml"), yaml),
        }
    }

    #[test]
    fn equal_digests_mean_equal_topologies(one in topology(), other in topology()) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
    }
}

#[test]
fn layout_comments_and_order_do_not_count() {
    let text = examples::text("upstream");
    let digest = |text: &str| Topology::parse(text).unwrap().topology.digest();
    let environments = text.find("environments:").unwrap();
    let (head, tail) = text.split_at(environments);
    let turned = format!("# Turned.\n{tail}\n{head}").replace("aws: {", "aws:   {");
    assert_ne!(turned, text);
    assert_eq!(digest(&turned), digest(&text));
}
