"""Floods of connections against the limits as they are shipped: newcomers must still get in."""
import threading
import time

import roles
import storm_hostile
from service import Service

FLOOD = 1_500  # more than limits.connections_max
# Those that fill the kernel's buffers with answers nobody reads cost a million requests at that number, so they are tried
# on a service with fewer places.
FEW, FLOOD_OF_FEW = 200, 300
NEWCOMERS = 12
# A newcomer waits behind what the flood has queued for accept, on a machine with both on it.
SECONDS_MAX = 5


def flood(storm, service, name, kind, number):
    """Keeps up a flood of one kind while newcomers ask; returns the longest time one took."""
    hostile = storm_hostile.Hostile({"port": service.port, "ca": str(service.ca), "key": service.api_key,
                                     "model": service.name, "idle": 0})
    makers = {"idle": hostile.connect, "handshakes left": hostile.left_handshake, "idle in TLS": hostile.secure,
              "unread answers": hostile.never_reads_ready,
              "refused": hostile.refused}
    parts = 3
    threads = [threading.Thread(target=hostile.hold, args=(kind, number // parts, makers[kind])) for _ in range(parts)]
    for thread in threads:
        thread.start()
    longest = 0
    try:
        roles.until(lambda: hostile.counts[kind] >= number, 10)
        time.sleep(2)  # the gateway makes room at the cost of who has been silent for a second
        for _ in range(NEWCOMERS):
            started = time.monotonic()
            try:
                body = {"model": service.name, "prompt": "a", "max_tokens": 1}
                status, _, _ = service.request("POST", "/v1/completions", body, timeout=SECONDS_MAX)
                storm.expect(status == 200, f"{name}: a newcomer is answered {status}")
            except OSError as error:
                storm.expect(False, f"{name}: a newcomer is kept out: {error}")
                break
            longest = max(longest, time.monotonic() - started)
            time.sleep(0.2)
    finally:
        hostile.over.set()
        for thread in threads:
            thread.join()
    print(f"        {name}: {hostile.counts[kind]} made, {hostile.counts[kind + ': cut off']} cut off, a newcomer is "
          f"answered within {longest:.2f} s", flush=True)
    return longest


def run(storm):
    """Says how long newcomers took at most."""
    longest = 0
    for settings, kinds, number in (({}, ("idle", "handshakes left", "idle in TLS", "refused"), FLOOD),
                                    ({"limits.connections_max": FEW}, ("unread answers",), FLOOD_OF_FEW)):
        with Service(settings=settings) as service:
            pids = roles.pids(service)
            for kind in kinds:
                longest = max(longest, flood(storm, service, f"{number} connections ({kind})", kind, number))
            storm.expect(roles.pids(service) == pids, "a role was restarted by a flood")
            gone = roles.until(lambda: roles.stats(service, "gateway")["connections"] == 0, 30, 0.5)
            storm.expect(gone, f"connections left: {roles.stats(service, 'gateway')}")
    return f"newcomers in a flood within {longest:.2f} s"
