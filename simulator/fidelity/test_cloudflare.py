"""The DNS API as Cloudflare's own Python client sees it."""

import cloudflare
import httpx
import pytest

from conftest import cloudflare_with


def zone_id(cf, name):
    [zone] = list(cf.zones.list(name=name))
    return zone.id


def record(cf, zone, name):
    [found] = list(cf.dns.records.list(zone_id=zone, name={"exact": name}, type="A"))
    return found


def codes(error):
    return [one["code"] for one in error.value.body["errors"]]


def test_zones_carry_status_plan_and_account(cf):
    zones = {zone.name: zone for zone in cf.zones.list()}
    assert set(zones) == {"gigadb.org", "gigadb.host"}
    org = zones["gigadb.org"]
    assert (org.status, org.paused, org.account.name) == ("active", False, "GigaScience")
    assert cf.zones.get(zone_id=org.id).name == "gigadb.org"


def test_lists_follow_their_pages(cf, simulator):
    zone = zone_id(cf, "gigadb.org")
    records = list(cf.dns.records.list(zone_id=zone, per_page=5))
    assert len({one.id for one in records}) == len(records) == 15
    pages = [one for one in simulator.requests() if one["template"].endswith("/dns_records")]
    # This client asks on until a page is empty.
    assert len(pages) == 4


def test_filters_select_by_name_type_and_tag(cf):
    zone = zone_id(cf, "gigadb.org")
    listed = lambda **filters: sorted(one.name for one in cf.dns.records.list(zone_id=zone, **filters))
    assert listed(name={"exact": "GIGADB.org"}, type="A") == ["gigadb.org"]
    assert listed(name={"startswith": "portainer"}) == ["portainer.gigadb.org", "portainer.staging.gigadb.org"]
    assert listed(content={"exact": "198.51.100.11"}) == ["bastion.gigadb.org"]
    assert listed(tag={"exact": "team:data"}) == ["files.alt-live.gigadb.org", "files.gigadb.org"]
    assert listed(type="A", name={"exact": "nothing.gigadb.org"}) == []


def test_patch_keeps_and_put_resets_what_is_not_given(cf):
    zone = zone_id(cf, "gigadb.org")
    before = record(cf, zone, "files.gigadb.org")
    patched = cf.dns.records.edit(before.id, zone_id=zone, name=before.name, type="A", ttl=before.ttl, content="192.0.2.1")
    assert (patched.ttl, patched.tags, patched.content) == (120, ["team:data"], "192.0.2.1")
    assert patched.modified_on > before.modified_on
    put = cf.dns.records.update(before.id, zone_id=zone, name="files.gigadb.org", type="A", ttl=1, content="192.0.2.2")
    assert (put.id, put.tags, put.comment, put.proxied) == (before.id, [], None, False)


def test_names_are_normalized_and_proxied_records_show_the_automatic_ttl(cf):
    zone = zone_id(cf, "gigadb.host")
    made = cf.dns.records.create(zone_id=zone, name="Straße.GIGADB.host.", type="A", ttl=120, content="192.0.2.7", proxied=True)
    assert (made.name, made.ttl, made.proxied) == ("xn--strae-oqa.gigadb.host", 1, True)
    apex = cf.dns.records.create(zone_id=zone, name="@", type="TXT", ttl=120, content='"hello"')
    assert apex.name == "gigadb.host"
    relative = cf.dns.records.create(zone_id=zone, name="*.wild", type="A", ttl=60, content="192.0.2.8")
    assert relative.name == "*.wild.gigadb.host"


def test_a_batch_is_one_transaction_in_a_fixed_order(cf, simulator):
    zone = zone_id(cf, "gigadb.org")
    apex, dev = record(cf, zone, "gigadb.org"), record(cf, zone, "dev.gigadb.org")
    result = cf.dns.records.batch(
        zone_id=zone,
        posts=[{"type": "A", "name": "dev.gigadb.org", "content": "192.0.2.80", "ttl": 60}],
        patches=[{"id": apex.id, "content": "203.0.113.10"}],
        deletes=[{"id": dev.id}],
    )
    assert [one.content for one in result.patches] == ["203.0.113.10"]
    assert (result.patches[0].proxied, result.patches[0].tags) == (True, ["team:web", "tier:production"])
    assert result.posts[0].id != dev.id

    before = simulator.world()
    with pytest.raises(cloudflare.NotFoundError) as error:
        cf.dns.records.batch(
            zone_id=zone,
            patches=[{"id": apex.id, "content": "198.51.100.10"}, {"id": "0" * 32, "content": "192.0.2.1"}],
            posts=[{"type": "A", "name": "x.gigadb.org", "content": "no address", "ttl": 60}],
        )
    assert codes(error) == [81044]
    assert simulator.world() == before


def test_a_batch_is_limited_by_the_plan(cf):
    posts = [{"type": "A", "name": f"n{i}", "content": "192.0.2.1", "ttl": 60} for i in range(201)]
    with pytest.raises(cloudflare.BadRequestError):
        cf.dns.records.batch(zone_id=zone_id(cf, "gigadb.host"), posts=posts)
    made = cf.dns.records.batch(zone_id=zone_id(cf, "gigadb.org"), posts=posts)
    assert len(made.posts) == 201


def test_conflicting_records_are_refused(cf):
    zone = zone_id(cf, "gigadb.org")
    create = lambda kind, name, content: cf.dns.records.create(zone_id=zone, name=name, type=kind, ttl=60, content=content)
    for kind, name, content, code in [
        ("A", "gigadb.org", "198.51.100.10", 81058),
        ("CNAME", "gigadb.org", "example.net", 81053),
        ("A", "www.gigadb.org", "192.0.2.1", 81054),
        ("A", "new.gigadb.org", "not an address", 9005),
    ]:
        with pytest.raises(cloudflare.BadRequestError) as error:
            create(kind, name, content)
        assert codes(error) == [code]
    assert create("A", "gigadb.org", "192.0.2.1").name == "gigadb.org"


@pytest.mark.parametrize(
    "token, status, code",
    [("onezone", None, None), ("ipblocked", 403, 9109), ("revoked", 403, 10000), ("PLANTED_read", None, None)],
)
def test_tokens_see_what_they_may(simulator, token, status, code):
    client = cloudflare_with(simulator, token)
    if status:
        with pytest.raises(cloudflare.APIStatusError) as error:
            list(client.zones.list())
        assert (error.value.status_code, codes(error)) == (status, [code])
        return
    zones = list(client.zones.list())
    assert len(zones) == (1 if token == "onezone" else 2)


def test_reading_is_not_writing(simulator):
    client = cloudflare_with(simulator, "PLANTED_read")
    zone = zone_id(client, "gigadb.org")
    apex = record(client, zone, "gigadb.org")
    with pytest.raises(cloudflare.PermissionDeniedError) as error:
        client.dns.records.batch(zone_id=zone, patches=[{"id": apex.id, "content": "192.0.2.1"}])
    assert codes(error) == [10000]


def test_two_kinds_of_token_verify_at_two_urls(simulator, cf):
    assert cf.user.tokens.verify().status == "active"
    owned = cloudflare_with(simulator, "cfat")
    account = list(owned.zones.list())[0].account.id
    assert owned.accounts.tokens.verify(account_id=account).status == "active"
    with pytest.raises(cloudflare.AuthenticationError) as error:
        owned.user.tokens.verify()
    assert codes(error) == [1000]


def test_the_client_waits_as_it_is_told_and_tries_again(simulator):
    simulator.fault({"rate_limited": {"retry_after": 1}}, api="cloudflare")
    simulator.fault("bad_gateway", api="cloudflare")
    assert len(list(cloudflare_with(simulator, "PLANTED_write", max_retries=2).zones.list())) == 2
    assert [one["status"] for one in simulator.requests()][:3] == [429, 502, 200]


def test_a_reset_after_the_commit_leaves_the_change(simulator, cf):
    zone = zone_id(cf, "gigadb.org")
    apex = record(cf, zone, "gigadb.org")
    simulator.fault("reset_after_commit", api="cloudflare", method="POST")
    with pytest.raises(cloudflare.APIConnectionError):
        cf.dns.records.batch(zone_id=zone, patches=[{"id": apex.id, "content": "203.0.113.10"}])
    assert record(cf, zone, "gigadb.org").content == "203.0.113.10"


def test_https_needs_the_throw_away_authority(simulator):
    import ssl

    token = simulator.tokens("cloudflare", "PLANTED_write")
    trusting = httpx.Client(verify=ssl.create_default_context(cafile=simulator.ca_file))
    make = lambda **options: cloudflare.Cloudflare(
        api_token=token, base_url=simulator.https["cloudflare"], max_retries=0, **options
    )
    assert len(list(make(http_client=trusting).zones.list())) == 2
    with pytest.raises(cloudflare.APIConnectionError):
        list(make().zones.list())
