"""GPUs as a stand-in for NVIDIA's library plays them (tests/daemon/health/fake_nvml): a copy of it beside a script, which is changed in place."""
import pathlib
import shutil

GPUS_MAX = 16

# What a check calls a fact, and the lines of the script that say it.
LINES = {
    "recovery": ("field.230",),
    "ecc_uncorrected_volatile": ("ecc_uncorrected_volatile", "field.4"),
    "remapped_uncorrectable": ("remapped_uncorrectable", "field.143"),
    "remap_pending": ("remap_pending", "field.144"),
    "remap_failed": ("remap_failed", "field.145"),
    "retired_pages_sbe": ("field.29",),
    "retired_pages_dbe": ("field.30",),
    "retirement_pending": ("field.31",),
}


def uuid_of(gpu):
    return f"GPU-fake-{gpu:04}"


class FakeNvml:
    def __init__(self, build, directory, gpus):
        """`directory` is readable to all; the library and its script lie in one of their own beneath it."""
        found = sorted(pathlib.Path(build).glob("tests/daemon/health/**/*nvidia-ml-fake.so*"))
        if not found:
            raise RuntimeError("there is no nvidia-ml-fake in the build")
        folder = pathlib.Path(directory) / "nvml"
        folder.mkdir()
        folder.chmod(0o755)
        self.library = folder / "libnvidia-ml.so.1"
        shutil.copy(found[0], self.library)
        self.library.chmod(0o755)
        self.script = folder / "fake_nvml.script"
        self.gpus = gpus
        self.lines = {}
        self.happened = []
        self.write()
        self.script.chmod(0o644)

    def write(self):
        """In place: the library holds the file open. Its last line makes it whole."""
        lines = [f"gpus = {self.gpus}", *(f"{key} = {value}" for key, value in self.lines.items()),
                 *(f"event = {gpu} {kind:x} {data}" for gpu, kind, data in self.happened), "end", ""]
        text = "\n".join(lines)
        if not self.script.exists():
            self.script.write_text(text)
            return
        with open(self.script, "r+", encoding="ascii") as file:
            file.write(text)
            file.truncate()

    def set(self, gpu, **facts):
        for name, value in facts.items():
            for line in LINES.get(name, (name,)):
                self.lines[f"{gpu}.{line}"] = value if not (name == "status" and value == "ok") else "success"
        self.write()

    def events(self, gpu, kinds):
        """(type, data) each, all at once."""
        self.happened += [(gpu, kind, data) for kind, data in kinds]
        self.write()

    def hang(self, hangs):
        for gpu in range(self.gpus):
            self.lines.pop(f"{gpu}.hang", None)
            if hangs:
                self.lines[f"{gpu}.hang"] = 1
        self.write()
