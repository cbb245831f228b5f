"""A page of another origin in a real browser: preflight, execute, poll, read; or none of it, without the setting."""

import json
from collections.abc import Callable
from http.server import ThreadingHTTPServer

import pytest

from tests.support.client import Served, all_jobs
from tests.support.waiting import wait_until

#: Each step is tried, whatever became of the one before; what the page may not read is "refused".
PAGE = """<!doctype html><title>Other</title><script>
const server = "SERVER", found = {};
async function attempt(name, step) {
  try { found[name] = await step(); } catch (error) { found[name] = "refused"; }
}
function job(path) {
  if (!found.location) throw new Error("no job");
  return found.location + path;
}
async function main() {
  await attempt("executed", async () => {
    const answer = await fetch(server + "/processes/greet/execution", {
      method: "POST",
      headers: {"Content-Type": "application/json", "Prefer": "respond-async", "Authorization": "Bearer x"},
      body: JSON.stringify({inputs: {name: "Ada"}})
    });
    found.location = answer.headers.get("Location");
    found.applied = answer.headers.get("Preference-Applied");
    return answer.status;
  });
  await attempt("ended", async () => {
    let status;
    do { status = (await (await fetch(job(""))).json()).status; } while (["accepted", "running"].includes(status));
    return status;
  });
  await attempt("result", async () => (await fetch(job("/results/greeting"))).text());
  await attempt("plain", async () => {
    await fetch(server + "/processes/greet/execution", {method: "POST", body: '{"inputs": {"name": "Eve"}}'});
  });
  await attempt("error", async () => (await (await fetch(server + "/jobs/nothing")).json()).status);
  await attempt("list", async () => (await fetch(server + "/processes", {credentials: "omit"})).status);
  await attempt("credentials", async () => (await fetch(server + "/processes", {credentials: "include"})).status);
  await fetch("/told", {method: "POST", body: JSON.stringify(found)});
}
main();
</script>"""
REFUSED = {"executed": "refused", "ended": "refused", "result": "refused", "plain": "refused"}


def told(browse: Callable, site: ThreadingHTTPServer, server: Served) -> dict:
    """What the page found."""
    page = PAGE.replace("SERVER", server.url).encode()
    site.pages = {"/": (200, {"Content-Type": "text/html"}, page)}
    browse(f"{site.url}/")
    wait_until(lambda: site.received, 60, "what the page found")
    return json.loads(site.received[0][2])


def test_a_listed_page_executes_polls_and_reads(browse: Callable, site: ThreadingHTTPServer, serve: Callable) -> None:
    server = serve(f"security.cors_origins={site.url}")
    found = told(browse, site, server)
    job_id = found.pop("location").rpartition("/")[2]
    assert found.pop("plain", None) is None, "a POST of any text is sent, too"
    assert found == {
        "executed": 201,
        "applied": "respond-async",
        "ended": "successful",
        "result": "Hello Ada",
        "error": 404,
        "list": 200,
        "credentials": 200,
    }
    assert job_id in all_jobs(server)


@pytest.mark.parametrize(
    ("origins", "readable"),
    [
        ("", {"error": "refused", "list": "refused", "credentials": "refused"}),
        ("https://maps.example", {"error": "refused", "list": "refused", "credentials": "refused"}),
        ("*", {"error": 404, "list": 200, "credentials": "refused"}),
    ],
    ids=["none", "others", "readers"],
)
def test_a_page_that_is_not_listed_changes_nothing(
    browse: Callable, site: ThreadingHTTPServer, serve: Callable, origins: str, readable: dict
) -> None:
    server = serve(f"security.cors_origins={origins}")
    assert told(browse, site, server) == REFUSED | readable
    assert not all_jobs(server)
