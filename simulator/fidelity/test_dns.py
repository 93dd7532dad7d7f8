"""The name servers, asked by dnspython, against what the API says."""

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest
from conftest import Simulator


@pytest.fixture
def simulator(tmp_path, plain_environment):
    running = Simulator(tmp_path, "--dns")
    yield running
    running.stop()


@pytest.fixture
def ask(simulator):
    """A function that asks one server for one name."""
    servers = [address.rpartition(":") for address in simulator.urls["dns"]]

    def ask(name, kind, server=1, over=dns.query.udp, **options):
        address, _, port = servers[server - 1]
        query = dns.message.make_query(name, kind, **options)
        return over(query, address, port=int(port), timeout=5)

    ask.servers = servers
    return ask


def contents(reply):
    return sorted(item.to_text() for rrset in reply.answer for item in rrset)


def test_every_plain_record_is_served_as_the_api_shows_it(simulator, ask):
    seen = 0
    for zone in simulator.world()["cloudflare"]["zones"]:
        records = zone["records"]
        for record in records:
            if record["type"] != "A" or record["proxied"]:
                continue
            seen += 1
            for server in range(1, len(ask.servers) + 1):
                reply = ask(record["name"], "A", server)
                assert reply.rcode() == dns.rcode.NOERROR
                assert reply.flags & dns.flags.AA
                alike = [one for one in records if one["name"] == record["name"] and one["type"] == "A"]
                assert contents(reply) == sorted(one["content"] for one in alike)
                ttl = 300 if record["ttl"] == 1 else record["ttl"]
                assert {rrset.ttl for rrset in reply.answer} == {ttl}
    assert seen > 10


def test_a_proxied_record_shows_addresses_of_cloudflare(ask):
    for kind in ("A", "AAAA"):
        found = contents(ask("gigadb.org", kind))
        assert len(found) == 2
        assert "198.51.100.10" not in found


def test_a_change_shows_at_once(simulator, ask):
    simulator.control("POST", "edit", {"set_record": {"name": "bastion.gigadb.org", "type": "A", "content": "203.0.113.11"}})
    assert contents(ask("bastion.gigadb.org", "A")) == ["203.0.113.11"]


def test_zones_are_found_by_soa_and_ns_as_a_resolver_does(ask):
    address, _, port = ask.servers[0]
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = int(port)
    assert dns.resolver.zone_for_name("files.staging.gigadb.org.", resolver=resolver).to_text() == "gigadb.org."
    assert dns.resolver.zone_for_name("alt-live.gigadb.host.", resolver=resolver).to_text() == "gigadb.host."
    names = sorted(item.target.to_text() for item in resolver.resolve("gigadb.org", "NS"))
    assert names == ["ns1.name-servers.test.", "ns2.name-servers.test."]
    assert [item.address for item in resolver.resolve(names[0], "A")] == ["127.0.0.1"]


def test_what_is_not_there(ask):
    missing = ask("nobody.gigadb.org", "A")
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.name.to_text() for rrset in missing.authority] == ["gigadb.org."]
    assert missing.authority[0].rdtype == dns.rdatatype.SOA
    other_type = ask("bastion.gigadb.org", "TXT")
    assert other_type.rcode() == dns.rcode.NOERROR and not other_type.answer and other_type.authority
    # A name without records that has names below it is there.
    assert ask("alt-live.gigadb.org", "A").rcode() == dns.rcode.NOERROR
    assert ask("example.com", "A").rcode() == dns.rcode.REFUSED
    assert not ask("example.com", "A").flags & dns.flags.RA


def test_an_alias_is_answered_with_its_chain(simulator, ask):
    world = simulator.world()
    zone = next(zone for zone in world["cloudflare"]["zones"] if zone["name"] == "gigadb.org")
    alias = dict(next(one for one in zone["records"] if one["name"] == "dev.gigadb.org"), type="CNAME", name="alias.gigadb.org", content="dev.gigadb.org")
    zone["records"].append(alias)
    simulator.control("PUT", "world", world)
    reply = ask("alias.gigadb.org", "A")
    assert [rrset.to_text().split(" ", 1)[0] for rrset in reply.answer] == ["alias.gigadb.org.", "dev.gigadb.org."]
    assert contents(ask("docs.gigadb.host", "A")) == ["pages.example.net."]


def test_names_are_compared_without_case_and_echoed_as_asked(ask):
    reply = ask("BASTION.GigaDB.org", "A")
    assert contents(reply) == ["198.51.100.11"]
    assert reply.question[0].name.to_text() == "BASTION.GigaDB.org."


def test_an_answer_too_large_for_a_datagram_is_cut_and_whole_over_tcp(simulator, ask):
    world = simulator.world()
    zone = next(zone for zone in world["cloudflare"]["zones"] if zone["name"] == "gigadb.org")
    plain = next(one for one in zone["records"] if one["name"] == "dev.gigadb.org")
    for number in range(1, 200):
        zone["records"].append(dict(plain, id="%032x" % number, name="many.gigadb.org", content="192.0.2.%d" % number))
    simulator.control("PUT", "world", world)
    cut = ask("many.gigadb.org", "A")
    assert cut.flags & dns.flags.TC and not cut.answer
    assert len(contents(ask("many.gigadb.org", "A", over=dns.query.tcp))) == 199
    # 60 addresses fit where the client says that it takes more than 512 bytes, and not otherwise.
    zone["records"] = [one for one in zone["records"] if one["name"] != "many.gigadb.org" or int(one["id"], 16) <= 60]
    simulator.control("PUT", "world", world)
    assert ask("many.gigadb.org", "A", use_edns=False).flags & dns.flags.TC
    assert len(contents(ask("many.gigadb.org", "A", use_edns=0, payload=1232))) == 60


def test_faults(simulator, ask):
    def fault(effect, **match):
        simulator.control("DELETE", "dns-faults")
        simulator.control("POST", "dns-faults", {"effect": effect, **match})

    for effect, code in (("serv_fail", "SERVFAIL"), ("refuse", "REFUSED"), ("nx_domain", "NXDOMAIN")):
        fault(effect, name="gigadb.org", kind="A")
        assert ask("gigadb.org", "A").rcode() == dns.rcode.from_text(code)
        assert ask("gigadb.org", "SOA").rcode() == dns.rcode.NOERROR
    fault("truncate")
    assert ask("dev.gigadb.org", "A").flags & dns.flags.TC
    assert contents(ask("dev.gigadb.org", "A", over=dns.query.tcp)) == ["192.0.2.80"]
    fault("lame")
    lame = ask("dev.gigadb.org", "A")
    assert not lame.answer and not lame.authority and not lame.flags & dns.flags.AA
    fault("garbage")
    with pytest.raises(dns.exception.DNSException):
        ask("dev.gigadb.org", "A")
    fault("silence", transport="udp")
    address, _, port = ask.servers[0]
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query("dev.gigadb.org", "A"), address, port=int(port), timeout=0.2)
    assert contents(ask("dev.gigadb.org", "A", over=dns.query.tcp)) == ["192.0.2.80"]
    fault({"addresses": ["203.0.113.10"]}, server=2)
    assert contents(ask("dev.gigadb.org", "A")) == ["192.0.2.80"]
    if len(ask.servers) > 1:
        assert contents(ask("dev.gigadb.org", "A", server=2)) == ["203.0.113.10"]
    asked = simulator.control("GET", "dns-queries")
    assert {query["name"] for query in asked} == {"gigadb.org", "dev.gigadb.org"}
