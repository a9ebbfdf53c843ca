"""Line 38: a clock that was set back to 1970 or forward to 2100. The floor of time holds, and what runs goes on."""
import os
import shutil
import subprocess

import bundle_forge as f
from bundle_cases import case
from bundle_cases_model import GGUF
from bundle_models import small_gguf
from bundle_site import check_accepted, check_in_order, check_refused

TIME_TYPE = "application/vnd.redoubt.time+json"
EPOCH, FAR = 86_400, 4_102_444_800  # 1970-01-02 and 2100-01-01
COMPILER = shutil.which("cc") or shutil.which("gcc")
# Interposed between the command and the C library, from which it has the time of day. Roles are started without it: what
# they know of the time they are told.
SHIM = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec* out) {
  const long status = syscall(SYS_clock_gettime, id, out);
  if (status == 0 && id == CLOCK_REALTIME) out->tv_sec = atoll(getenv("TEST_CLOCK"));
  return (int)status;
}
"""


def shim_of(sites):
    """Made once; None where there is no compiler or a sanitizer must come first."""
    library = sites.directory / "clock.so"
    if library.exists():
        return library
    if COMPILER is None or os.environ.get("SANITIZED") == "1":
        return None
    source = sites.directory / "clock.c"
    source.write_text(SHIM)
    subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def at(sites, seconds):
    """The environment of a command whose clock stands there."""
    return {"LD_PRELOAD": str(shim_of(sites)), "TEST_CLOCK": str(seconds)}


def with_timekeeper(sites):
    """A copy of the site that the first holder of the root may tell the time."""
    site = sites.copy_of("site")
    site.update_root(roles={**site.root["roles"], "time": f.one_group(1, [site.keys["root 1"]])})
    return site


def state_time(site, moment, signer="root 1", payload_type=TIME_TYPE):
    payload = f.dump({"type": "redoubt-time", "format": 1, "time": moment}).encode()
    path = site.new_path(".dsse")
    path.write_bytes(f.dsse_text(payload, payload_type, f.sign_dsse(payload, payload_type, [site.keys[signer]])))
    outcome = site.redoubt("trust", "time", path, "--config", site.config)
    check_in_order(outcome)
    return outcome


def release(site, seed, **members):
    return site.forge({GGUF: small_gguf(seed)}, sequence=seed, **members).write_rdb(site.new_path(".rdb"))


def floors(site):
    return (site.state / "trust/floors.json").read_bytes()


@case(38, "a signed statement of the time raises the floor, nobody else's does, and none takes it back")
def _(sites):
    site = with_timekeeper(sites)
    before = floors(site)
    for refused in (state_time(site, "2031-06-01T00:00:00Z", "officer 1"),
                    state_time(site, "2031-06-01T00:00:00Z", "stranger"),
                    state_time(site, "2031-06-01T00:00:00Z", payload_type=f.RELEASE_TYPE)):
        assert refused.status == 1 and floors(site) == before, refused
    assert state_time(site, "2031-06-01T00:00:00Z").status == 0
    raised = floors(site)
    assert raised != before
    for moment in ("1970-01-01T00:00:00Z", "2031-05-31T23:59:59Z"):
        state_time(site, moment)
        assert floors(site) == raised, f"{moment} took the floor back"
    said = check_refused(site, release(site, 2, issued="2026-10-01T00:00:00Z", expires="2031-05-31T00:00:00Z"),
                         r"expired on 2031-05-31.*2031-06-01")
    return 6, said


@case(38, "the clock set back to 1970: what expired before the floor stays expired")
def _(sites):
    if shim_of(sites) is None:
        return 0, "not tried: no compiler, or a sanitizer"
    site = with_timekeeper(sites)
    assert state_time(site, "2031-06-01T00:00:00Z").status == 0
    raised, back = floors(site), {"environment": at(sites, EPOCH)}
    said = check_refused(site, release(site, 2, issued="2026-10-01T00:00:00Z", expires="2031-05-31T00:00:00Z"),
                         r"expired on 2031-05-31.*2031-06-01", **back)
    outcome = check_accepted(site, release(site, 3, expires="2031-06-02T00:00:00Z"), **back)
    assert b"1970-01-02" in outcome.said, outcome  # the shim works, and the operator is told
    assert floors(site) == raised
    return 2, said


@case(38, "the clock set forward to 2100: refused by that clock, and nothing of it is remembered")
def _(sites):
    if shim_of(sites) is None:
        return 0, "not tried: no compiler, or a sanitizer"
    site = with_timekeeper(sites)
    before = floors(site)
    path = release(site, 2, expires="2099-12-31T00:00:00Z")
    said = check_refused(site, path, r"expired on 2099-12-31.*2100-01-01", environment=at(sites, FAR))
    check_accepted(site, path)
    assert floors(site) == before
    return 2, said


@case(38, "an appliance whose clock jumps serves what it served")
def _(sites):
    if shim_of(sites) is None:
        return 0, "not tried: no compiler, or a sanitizer"
    site = with_timekeeper(sites)
    site.update_root(expires="2090-01-01T00:00:00Z")
    active, before = site.activation()["active"], floors(site)
    certificate = (site.state / "tls/certificate.pem").read_bytes()
    for seconds in (EPOCH, FAR):
        site.start(environment=at(sites, seconds))
        try:
            site.wait_ready()
        finally:
            site.stop()
        assert site.activation()["active"] == active and not site.activation()["failed"], site.activation()
        assert floors(site) == before and (site.state / "tls/certificate.pem").read_bytes() == certificate
    return 2, "ready in 1970 and in 2100, after the trust root's own end"
