"""Holes that a bundle could carry in: templates that are programs, code beside the weights, names that are paths."""
import hashlib
import os
import re
import shutil

import gguf_file as g
import roles
from cves_models import hostile, refusal, setting
from cves_site import GROWTH_KB_MAX, cve, seconds
from foreign_bundle import ForeignBundle, resign
from service import DEMO_MODEL
from wire import CHAT, TEXT

# Of one request whose template is made to be slow: its budget, on a busy machine.
TEMPLATE_SECONDS_MAX = 10

TEMPLATES = {
    "CVE-2024-34359 (through a class)": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "CVE-2024-34359 (through globals)": "{{ cycler.__init__.__globals__.os.popen('touch PATH').read() }}",
    "CVE-2026-5760 (through self)": "{{ self.__init__.__globals__.__builtins__.__import__('os').system('touch PATH') }}",
    "CVE-2026-5760 (through a namespace)": "{% set x = namespace() %}{{ x.__class__.__init__.__globals__ }}",
    "through format": "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
    "through attr": "{{ ''|attr('__class__')|attr('__mro__') }}",
    "an include": "{% include '/etc/passwd' %}{% import 'os' as os %}",
    "10^18 turns": "{% for i in range(10**9) %}{% for j in range(10**9) %}{% endfor %}{% endfor %}",
    "a text of 10^9": "{{ 'a' * 10**9 }}",
    "a text that doubles": "{% set ns = namespace(t='a') %}{% for i in range(100) %}"
                           "{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}",
    "a range of 10^12": "{{ range(10**12)|list|length }}",
    "a width of 10^9": "{{ '%1000000000d' % 1 }}{{ '{:1000000000}'.format(1) }}",
    "a macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "100,000 brackets": "{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}",
    "100,000 conditions": "{% if true %}" * 100_000 + "{% endif %}" * 100_000,
    "a power": "{{ 9**9**9**9 }}"}


@cve("CVE-2024-34359, CVE-2026-5760", "model templates that are programs")
def _(site):
    touched = site.service.directory / "touched"
    refused, failed = 0, 0
    for name, template in TEMPLATES.items():
        text = g.string(template.replace("PATH", str(touched)))
        model = hostile(setting("tokenizer.chat_template", g.STRING, text))
        with ForeignBundle(site.service, {"model.gguf": model}) as foreign:
            assert foreign.imported().returncode == 0, name
            foreign.create_key()
            foreign.start()
            assert roles.until(lambda: foreign.engine_or_nothing().get("state") == "ready"
                               or "engine: load model:" in foreign.log(), 60, 0.02), (name, foreign.log())
            if "engine: load model:" in foreign.log():
                refused += 1
                foreign.stop()
            else:
                failed += rendered(name, foreign)
            assert "signal" not in foreign.log() and not touched.exists(), (name, foreign.log()[-1000:])
    return f"{refused} refused when loaded, {failed} when rendered; nothing ran"


def rendered(name, foreign):
    """The template's requests fail, soon and alone. A harmless reading (an undefined name is empty) is no failure."""
    pid = foreign.engine()["pid"]
    before = roles.resident_kb(pid)
    answers = []
    chat = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
    for _ in range(3):
        took = seconds(lambda: answers.append(foreign.request(CHAT, chat)))
        assert took < TEMPLATE_SECONDS_MAX, f"{name}: {took:.1f} s"
    status, answer = answers[-1]
    assert status in (200, 400, 500), (name, status, answer)
    if status == 200:  # nothing of the machine may have come into the prompt
        assert answer["usage"]["prompt_tokens"] < 40, (name, answer)
    status, answer = foreign.request(TEXT, {"prompt": "hello", "max_tokens": 1})
    assert status == 200 and foreign.engine()["pid"] == pid, (name, status, answer)
    grown = roles.resident_kb(pid) - before
    assert grown < 8 * GROWTH_KB_MAX, f"{name}: {grown} kB kept"
    foreign.stop()
    return answers[-1][0] != 200


CODE = "import os\nopen({touched!r}, 'w').write('ran')\n"
REMOTE_CONFIG = """{"architectures": ["A"],
                    "auto_map": {"AutoModel": "evil--repo.modeling_evil.A", "AutoConfig": "modeling_evil.A"}}"""


@cve("CVE-2026-22807, CVE-2026-27893", "bundles that bring code or ask for it (auto_map)")
def _(site):
    touched = site.service.directory / "touched"
    code = CODE.format(touched=str(touched)).encode()
    files = {"config.json": REMOTE_CONFIG.encode(), "modeling_evil.py": code, "conftest.py": code, "setup.py": code}
    with ForeignBundle(site.service, files) as foreign:
        alone = refusal(foreign, "code alone")
    with ForeignBundle(site.service, {**files, "model.gguf": DEMO_MODEL.read_bytes()}) as foreign:
        result = foreign.imported()
        if result.returncode == 0:
            foreign.create_key()
            foreign.ready()
            assert foreign.request(TEXT, {"prompt": "hello", "max_tokens": 1})[0] == 200
            foreign.stop()
        beside = "not imported" if result.returncode != 0 else "beside weights never opened"
    assert not touched.exists()
    return f"alone: {alone}; {beside}"


@cve("CVE-2025-32434 and kin (pickle)", "weights that are programs")
def _(site):
    touched = site.service.directory / "touched"
    pickle = b"cposix\nsystem\n(S'touch " + os.fsencode(str(touched)) + b"'\ntR."
    said = []
    for name in ("pytorch_model.bin", "model.pt", "model.ckpt", "model.pkl", "model.gguf"):
        with ForeignBundle(site.service, {name: pickle}) as foreign:
            said.append(refusal(foreign, name))
    assert not touched.exists()
    return f"{len(said)} names; the last: {said[-1]}"


def untouched(site, foreign, name):
    """Nothing was imported, nothing written beside."""
    result = foreign.imported()
    assert result.returncode == 1 and result.stderr.strip(), (name, result)
    kept = [path for path in (foreign.base / "state").rglob("*") if path.is_file() and "evil" in path.name
            or path.suffix == ".gguf"]
    assert not kept and not list(site.service.directory.glob("evil*")), (name, kept)
    return result.stderr.splitlines()[0].removeprefix("redoubt: ")


@cve("CVE-2024-37032", "file names in a signed statement that leave the directory")
def _(site):
    key = site.service.directory / "site.key.pem"
    names = ("../../../../../../tmp/evil", "/tmp/evil", "a/../../evil", "./evil", "a//evil", "evil/", "", ".", "..",
             "evil\0", "a\\..\\evil", "model.sig", "\u2025/evil", "x" * 300, "a/" * 60 + "evil", "../evil")
    for name in names:
        with ForeignBundle(site.service, {"model.gguf": DEMO_MODEL.read_bytes()}) as foreign:
            shutil.copy(DEMO_MODEL, foreign.base / "evil")

            def change(statement, name=name):
                statement["predicate"]["resources"][0]["name"] = name
            resign(foreign.bundle, key, change)
            said = untouched(site, foreign, name)
    with ForeignBundle(site.service, {"model.gguf": DEMO_MODEL.read_bytes()}) as foreign:
        resign(foreign.bundle, key, lambda statement: None)
        assert foreign.imported().returncode == 0, "what the test signs itself is not accepted, so it shows nothing"
    return f"{len(names)} names refused; the last: {said}"


@cve("CVE-2024-37032", "digests in a signed statement that are paths, links in a bundle")
def _(site):
    key = site.service.directory / "site.key.pem"
    for digest in ("../../../../tmp/evil", "sha256-" + "0" * 64, "0" * 63, "0" * 65, "G" * 64, "0" * 64, ""):
        with ForeignBundle(site.service, {"model.gguf": DEMO_MODEL.read_bytes()}) as foreign:

            def change(statement, digest=digest):
                statement["predicate"]["resources"][0]["digest"] = digest
                if re.fullmatch("[0-9a-f]{64}", digest):  # then the root digest can be right as well
                    root = hashlib.sha256(bytes.fromhex(digest)).hexdigest()
                    statement["subject"][0]["digest"]["sha256"] = root
            resign(foreign.bundle, key, change)
            said = untouched(site, foreign, digest)
    with ForeignBundle(site.service, {"model.gguf": DEMO_MODEL.read_bytes()}) as foreign:
        (foreign.bundle / "model.gguf").unlink()
        (foreign.bundle / "model.gguf").symlink_to(DEMO_MODEL)
        untouched(site, foreign, "a link")
    return f"7 digests and a link refused; the last: {said}"


@cve("CVE-2026-42248, CVE-2026-42249", "a bundle changed on its way")
def _(site):
    with ForeignBundle(site.service, {"model.gguf": DEMO_MODEL.read_bytes()}) as foreign:
        model = foreign.bundle / "model.gguf"
        data = bytearray(model.read_bytes())
        data[len(data) // 2] ^= 1
        model.write_bytes(data)
        bit = untouched(site, foreign, "one bit")
        model.write_bytes(DEMO_MODEL.read_bytes())
        site.service.run("keys", "generate", foreign.base / "stranger")
        resign(foreign.bundle, foreign.base / "stranger.key.pem", lambda statement: None)
        untouched(site, foreign, "a stranger's signature")
        (foreign.bundle / "model.sig").unlink()
        untouched(site, foreign, "no signature")
    return f"one bit, a stranger's signature, none: refused; one bit: {bit}"
