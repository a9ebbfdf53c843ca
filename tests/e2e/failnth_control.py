"""The page that a failing_redoubt's processes share with the harness: what is to fail, what was called, what failed.
Its layout is that of failing_redoubt/failure_plan.cc."""
import mmap
import pathlib
import struct
import subprocess

ROLES = ("supervisor", "gateway", "engine", "command", "importer", "auditor")
LAST_CALL = -1  # as an errno: everybody ends before the call is made, as at a power loss
PAGE_BYTES = 4096
PLAN = struct.Struct("=IIIiQIIQ")  # armed, role, call, error, number, fired, frame count, fired_ns
FRAMES_OFFSET, FRAMES_MAX = PLAN.size, 32
CALLS_OFFSET, CALLS_MAX = FRAMES_OFFSET + 8 * FRAMES_MAX, 48
NAMES_OFFSET = CALLS_OFFSET + 8 * CALLS_MAX * len(ROLES)


class Control:
    def __init__(self, executable):
        self.executable = pathlib.Path(executable)
        path = self.executable.with_name(self.executable.name + ".control")
        path.write_bytes(bytes(PAGE_BYTES))
        path.chmod(0o666)  # roles have users of their own
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), PAGE_BYTES)

    def names(self):
        """Of the calls that can fail; known once a process has begun."""
        text = bytes(self.page[NAMES_OFFSET:PAGE_BYTES])
        return text[:text.index(0)].decode().split()

    def reset(self):
        self.page[:CALLS_OFFSET] = bytes(CALLS_OFFSET)
        self.page[CALLS_OFFSET:NAMES_OFFSET] = bytes(NAMES_OFFSET - CALLS_OFFSET)

    def arm(self, role, call, number, error):
        """The number-th call from the last reset() on fails with errno `error`, once."""
        PLAN.pack_into(self.page, 0, 0, ROLES.index(role), self.names().index(call), error, number, 0, 0, 0)
        self.page[0:4] = struct.pack("=I", 1)

    def break_all(self, role, call, error):
        """Every such call fails with errno `error`, until disarm()."""
        PLAN.pack_into(self.page, 0, 0, ROLES.index(role), self.names().index(call), error, 0, 0, 0, 0)
        self.page[0:4] = struct.pack("=I", 2)

    def disarm(self):
        self.page[0:4] = struct.pack("=I", 0)

    def calls(self):
        """{(role, call): how many there were}, without those that never were, and `change`, which stands for others."""
        names = self.names()
        counts = struct.unpack_from(f"={CALLS_MAX * len(ROLES)}Q", self.page, CALLS_OFFSET)
        return {(role, name): counts[r * CALLS_MAX + c]
                for r, role in enumerate(ROLES) for c, name in enumerate(names) if counts[r * CALLS_MAX + c] and name != "change"}

    def changes(self, role):
        """How many calls of the role changed what is on a disk."""
        at = CALLS_OFFSET + 8 * (ROLES.index(role) * CALLS_MAX + self.names().index("change"))
        return struct.unpack_from("=Q", self.page, at)[0]

    def fired_at(self):
        """When it failed, as time.monotonic() counts; None while it has not."""
        _, _, _, _, _, fired, _, nanoseconds = PLAN.unpack_from(self.page, 0)
        return nanoseconds / 1e9 if fired else None

    def stack(self):
        """Who made the call that failed, innermost first, as far as it is our code."""
        count = PLAN.unpack_from(self.page, 0)[6]
        frames = struct.unpack_from(f"={FRAMES_MAX}Q", self.page, FRAMES_OFFSET)[:count]
        # A return address belongs to the call before it.
        addresses = [hex(frame - 1) for frame in frames if frame]
        if not addresses:
            return []
        found = subprocess.run(["addr2line", "-Cfse", self.executable, *addresses], capture_output=True, text=True)
        lines = found.stdout.splitlines()
        calls = [f"{name.split('(')[0]} {place.split(' ')[0]}" for name, place in zip(lines[::2], lines[1::2])]
        return [call for call in calls if not call.split()[-1].startswith(("fail", "??"))]
