"""What an operator types, with one call that fails: keys, a signature, an import, an API key. A command that fails says
why, and works the next time; what is left is what would be there if nothing had failed, and a service runs with it."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from failnth_control import Control
from failnth_scenario import Life, names_memory
from service import Service


class FailingCommands(Service):
    """Its preparation runs on the failing executable; `serve` is the product's."""

    def __init__(self, build, executable, life):
        self.executable, self.life = executable, life
        super().__init__(build, settings={"engine.threads": 2, "limits.requests_max": 2})

    def run(self, *arguments, check=True, **options):
        command = [self.executable, *map(str, arguments)]
        first = self.attempt(command)
        if first.returncode == 0:
            return first
        self.life.refused = first.stderr.strip() or "nothing"
        if not first.stderr.strip():
            self.life.problems.append(f"{' '.join(command[1:3])}: failed and did not say why")
        if first.returncode < 0 and not names_memory(first.stderr):
            self.life.problems.append(f"{' '.join(command[1:3])}: ended by signal {-first.returncode}: {first.stderr}")
        second = self.attempt(command)
        if second.returncode != 0:
            self.life.problems.append(f"{' '.join(command[1:3])}: fails the next time too: {second.stderr}")
        return second

    def attempt(self, command):
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    def left_behind(self):
        """The names of all files, without what differs each time."""
        names = {str(path.relative_to(self.directory)) for path in self.directory.rglob("*")}
        # What was done waits for the log, under a name of its own each time.
        return {re.sub("[0-9a-f]{32,}|[0-9]{19}-[0-9a-f]{14}", "*", name) for name in names}


class CommandSite:
    """Like failnth_scenario.Site, for the commands."""

    def __init__(self, build, executable):
        self.build = build
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="redoubt-e2e-"))
        self.executable = self.directory / "failing_redoubt"
        shutil.copy(executable, self.executable)
        self.control = Control(self.executable)
        self.files_right, self.right, self.descriptors_right = None, {}, 0

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def live(self, plan=None):
        life = Life()
        begun = time.monotonic()
        life.marks.append(("commands", begun))
        self.control.reset()
        if plan:
            self.control.arm(*plan)
        service = None
        try:
            service = FailingCommands(self.build, self.executable, life)
            life.calls["commands"] = self.control.calls()
            self.check(life, service)
        except Exception as error:  # a key that was not made, an answer that does not come
            life.problems.append(f"the service does not run with what the commands made: {error!r}")
        finally:
            if service is not None:
                service.close()
            life.seconds = time.monotonic() - begun
            life.reload = "done"
        return life

    def check(self, life, service):
        left = service.left_behind()
        if self.files_right is None:
            self.files_right = left
        if left != self.files_right:
            life.problems.append(f"other files than ever: {sorted(left ^ self.files_right)}")
        service.start()
        status, _, answer = service.request("POST", "/v1/completions", {
            "model": "redoubt-demo", "prompt": "A key", "max_tokens": 4, "temperature": 0})
        text = answer["choices"][0]["text"] if status == 200 else answer
        if self.right.setdefault("text", text) != text:
            life.problems.append(f"the service answers {text}")
