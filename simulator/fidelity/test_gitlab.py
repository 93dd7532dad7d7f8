"""The CI/CD variables API and its neighbours as python-gitlab sees them."""

import gitlab
import pytest

from conftest import ALT_PROJECT, PROJECT, gitlab_with

LIVE = {"environment_scope": "live"}


@pytest.fixture
def project(gl):
    return gl.projects.get(PROJECT)


def refused(error):
    return error.value.response_code, error.value.error_message


def test_a_project_has_a_path_and_a_number(gl, project):
    assert gl.projects.get(project.id).path_with_namespace == PROJECT
    assert project.permissions["project_access"]["access_level"] == 40
    assert gl.projects.get(ALT_PROJECT).id != project.id


def test_variables_come_in_pages(simulator, project):
    rows = project.variables.list(get_all=True, per_page=100)
    assert len(rows) == 112 + 8 + 8
    pages = [one for one in simulator.requests() if one["template"] == "/projects/{id}/variables"]
    assert len(pages) == 2
    first = project.variables.list(get_all=False)
    assert len(first) == 20
    lazily = project.variables.list(iterator=True, per_page=500)
    assert (lazily.total, lazily.per_page, lazily.total_pages) == (128, 100, 2)


def test_the_filter_is_compared_as_text(project):
    get = lambda scope: project.variables.get("HOME_URL", filter={"environment_scope": scope}).value
    assert get("live") == "https://gigadb.org"
    assert get("*") == "http://localhost:9170"
    with pytest.raises(gitlab.GitlabGetError) as error:
        project.variables.get("REMOTE_HOSTNAME", filter={"environment_scope": "review/1"})
    assert refused(error) == (404, "404 Variable Not Found")
    for blank in ({}, {"filter": {"environment_scope": ""}}):
        with pytest.raises(gitlab.GitlabGetError) as error:
            project.variables.get("HOME_URL", **blank)
        assert refused(error)[0] == 409
        assert "filter[environment_scope]" in refused(error)[1]


def test_an_update_keeps_what_is_not_given(project):
    project.variables.update("HOME_URL", {"value": "https://example.org", "filter": LIVE})
    row = project.variables.get("HOME_URL", filter=LIVE)
    assert (row.value, row.protected, row.masked, row.raw) == ("https://example.org", True, False, False)
    assert row.description == "Public URL of this infrastructure's role"
    assert project.variables.get("HOME_URL", filter={"environment_scope": "staging"}).value == "https://staging.gigadb.org"


def test_without_a_filter_the_only_row_is_changed_whatever_its_scope(project):
    project.variables.update("tls_privkey_pem", {"value": "meant for staging"})
    assert project.variables.get("tls_privkey_pem", filter=LIVE).value == "meant for staging"


def test_an_update_with_a_scope_moves_the_row(project):
    project.variables.update("GREETING", {"environment_scope": "live"})
    assert project.variables.get("GREETING").environment_scope == "live"


def test_rows_are_unique_by_key_and_scope(project):
    made = project.variables.create({"key": "NEW", "value": "one", "environment_scope": "live"})
    assert (made.environment_scope, made.hidden, made.description) == ("live", False, None)
    project.variables.create({"key": "NEW", "value": "two"})
    with pytest.raises(gitlab.GitlabCreateError) as error:
        project.variables.create({"key": "NEW", "value": "three"})
    assert error.value.response_code == 400 and "has already been taken" in str(error.value)
    with pytest.raises(gitlab.GitlabDeleteError) as error:
        project.variables.delete("NEW")
    assert error.value.response_code == 409
    project.variables.delete("NEW", filter=LIVE)
    assert project.variables.get("NEW").value == "two"


def test_masking_has_rules(project):
    for data, good in [
        ({"value": "short", "masked": True}, False),
        ({"value": "two words", "masked": True}, False),
        ({"value": "two words", "masked": True, "raw": True}, False),
        ({"value": "dollar$sign", "masked": True}, False),
        ({"value": "dollar$sign", "masked": True, "raw": True}, True),
        ({"value": "two words\nand a line"}, True),
    ]:
        if good:
            project.variables.create({"key": "MASKED", **data})
            project.variables.delete("MASKED")
        else:
            with pytest.raises(gitlab.GitlabCreateError) as error:
                project.variables.create({"key": "MASKED", **data})
            assert error.value.response_code == 400


def test_a_hidden_value_is_never_shown(project):
    made = project.variables.create({"key": "HIDDEN", "value": "not-to-be-seen", "masked_and_hidden": True})
    assert (made.hidden, made.masked, made.value) == (True, True, None)
    project.variables.update("HIDDEN", {"value": "another-unseen"})
    assert project.variables.get("HIDDEN").value is None
    with pytest.raises(gitlab.GitlabUpdateError):
        project.variables.update("HIDDEN", {"masked": False})


@pytest.mark.parametrize("token, status", [("developer", 403), ("expired", 401)])
def test_tokens_without_the_role_are_refused(simulator, token, status):
    client = gitlab_with(simulator, token)
    with pytest.raises(gitlab.GitlabError) as error:
        client.projects.get(PROJECT, lazy=True).variables.list(get_all=True)
    assert error.value.response_code == status


def test_a_reading_token_cannot_write(simulator):
    project = gitlab_with(simulator, "readonly").projects.get(PROJECT)
    assert project.variables.get("HOME_URL", filter=LIVE).value
    with pytest.raises(gitlab.GitlabUpdateError) as error:
        project.variables.update("HOME_URL", {"value": "x", "filter": LIVE})
    assert error.value.response_code == 403


def test_an_unknown_project_is_not_found(gl):
    with pytest.raises(gitlab.GitlabGetError) as error:
        gl.projects.get("gigascience/upstream/no-such")
    assert refused(error) == (404, "404 Project Not Found")


def test_a_renamed_project_redirects_reads_and_stops_writes(gl):
    former = gl.projects.get("gigascience/former/gigadb-website", lazy=True)
    assert former.variables.get("HOME_URL", filter=LIVE).value == "https://gigadb.org"
    with pytest.raises(gitlab.exceptions.RedirectError):
        former.variables.update("HOME_URL", {"value": "x", "filter": LIVE})


def test_the_last_successful_deployment_is_found(project):
    [last] = project.deployments.list(
        environment="live", status="success", order_by="id", sort="desc", per_page=1, get_all=False
    )
    assert (last.ref, last.deployable["tag"], last.environment["name"]) == ("v4.3.4", True, "live")
    oldest_first = [one.id for one in project.deployments.list(get_all=True)]
    assert oldest_first == sorted(oldest_first)
    assert project.releases.get(last.ref).name == "Release v4.3.4"
    with pytest.raises(gitlab.GitlabGetError):
        project.releases.get("v0")


def test_environments_pipelines_and_freezes_are_listed(gl, project):
    [live] = project.environments.list(name="live", get_all=True)
    assert (live.state, live.tier) == ("available", "production")
    assert project.environments.get(live.id).last_deployment["ref"] == "v4.3.4"
    assert project.environments.list(name="none", get_all=True) == []
    assert project.pipelines.list(status="running", get_all=True) == []
    assert [one["freeze_start"] for one in gl.http_list(f"/projects/{project.id}/freeze_periods", get_all=True)] == ["0 18 * * 5"]


def test_pipelines_that_have_not_ended_are_found_by_status(simulator, project):
    pipeline = {"ref": "develop", "sha": "5f3c1d0e9b8a79685746352413029f8e7d6c5b4a", "updated_at": "2026-08-01T08:00:00.000Z"}
    for number, status in [(900001, "running"), (900002, "pending"), (900003, "running")]:
        added = {"project": PROJECT, "pipeline": {"id": number, "status": status, **pipeline}}
        simulator.fault({"edit_before": [{"add_pipeline": added}]}, api="gitlab", method="GET")
        project.pipelines.list(get_all=True)
    by = lambda status: [one.id for one in project.pipelines.list(status=status, get_all=True)]
    assert by("running") == [900003, 900001]
    assert by("pending") == [900002]
    [newest] = project.pipelines.list(per_page=1, get_all=False)
    assert (newest.id, newest.ref, newest.status) == (900003, "develop", "running")
    with pytest.raises(gitlab.GitlabListError) as error:
        project.pipelines.list(status="runing", get_all=True)
    assert refused(error) == (400, "status does not have a valid value")


def test_a_manual_job_is_played_once(project):
    job = project.jobs.get(project.id * 1000 + 1)
    assert job.status == "manual"
    job.play()
    assert project.jobs.get(job.id).status == "pending"
    with pytest.raises(gitlab.GitlabJobPlayError) as error:
        job.play()
    assert refused(error) == (400, "400 Bad request - Unplayable Job")


def test_the_client_retries_a_plain_text_429(simulator, project):
    simulator.fault({"rate_limited": {"retry_after": 1}}, api="gitlab")
    assert project.variables.get("HOME_URL", filter=LIVE).value
    assert [one["status"] for one in simulator.requests()][-2:] == [429, 200]
    simulator.fault("bad_gateway", api="gitlab")
    with pytest.raises(gitlab.GitlabGetError) as error:
        project.variables.get("HOME_URL", filter=LIVE)
    assert error.value.response_code == 502


def test_another_writer_changes_a_row_between_read_and_write(simulator, project):
    edit = {"set_variable": {"project": PROJECT, "key": "HOME_URL", "scope": "live", "value": "theirs"}}
    simulator.fault({"edit_before": [edit]}, api="gitlab", method="GET")
    assert project.variables.get("HOME_URL", filter=LIVE).value == "theirs"


def test_notes_of_a_merge_request_are_posted_found_and_updated(gl, project):
    request = project.mergerequests.get(7, lazy=True)
    made = [request.notes.create({"body": f"  note {number}\n"}) for number in range(25)]
    assert made[0].body == "note 0"
    newest_first = [one.id for one in request.notes.list(get_all=True)]
    assert newest_first == sorted(newest_first, reverse=True) and len(newest_first) >= 25
    assert len(request.notes.list(get_all=False)) == 20
    gl.auth()
    note = request.notes.get(made[3].id)
    assert (note.author["username"], note.system) == (gl.user.username, False)
    note.body = "another text"
    note.save()
    assert request.notes.get(note.id).body == "another text"


def test_notes_that_cannot_be_are_refused(simulator, project):
    request = project.mergerequests.get(7, lazy=True)
    with pytest.raises(gitlab.GitlabCreateError) as error:
        request.notes.create({"body": " "})
    assert refused(error)[0] == 400
    with pytest.raises(gitlab.GitlabCreateError) as error:
        project.mergerequests.get(4711, lazy=True).notes.create({"body": "text"})
    assert refused(error) == (404, "404 Not found")
