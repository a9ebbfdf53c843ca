"""Lines 1 to 19: envelopes, signatures, base64, JSON, thresholds."""
import base64
import hashlib
import json
import re

from cryptography.hazmat.primitives import hashes

import bundle_forge as f
import bundle_keys as k
from bundle_cases import accept, case, edited, forged, refuse, swapped
from bundle_site import check_in_order, check_refused

OMS = ("rdb", "bare")
SIGNATURE = r"signature|signed|threshold|of 2"


# ---- 1, 2: its size --------------------------------------------------------------------------------------

@case(1, "a bundle cut at every KiB of its envelope, and at every 16 KiB behind")
def _(sites):
    site = sites["site"]
    archive = site.forge().archive
    cuts = [0, 1, 511, 512, 513, *range(1024, 133 * 1024, 1024), *range(133 * 1024, len(archive), 16 * 1024),
            len(archive) - 1025, len(archive) - 1024, len(archive) - 512, len(archive) - 1]
    tree, path, said = site.tree(), site.new_path(".rdb"), ""
    for cut in cuts:
        path.write_bytes(archive[:cut])
        said = check_refused(site, path, r"ends|empty|truncat|short|incomplete|missing|neither|not a", tree_before=tree)
        check_in_order(site.redoubt("bundle", "inspect", path))
    return len(cuts), said


@case(1, "release.dsse and model.sig of a directory cut at every KiB of their text")
def _(sites):
    site, count, said = sites["site"], 0, ""
    for stage in ("envelope", "model_sig"):
        text = site.forge()
        text = (text.dsse if stage == "envelope" else text.oms_text)
        for cut in [0, 1, *range(1024, len(text), 1024), len(text) - 1]:
            forge = site.forge()
            setattr(forge, stage, text[:cut])
            said = check_refused(site, forge.write_directory(site.new_path()),
                                 r"release\.dsse|model\.sig|signature|JSON|empty|neither")
            count += 1
    return count, said


for megabytes in (33, 64):
    refuse(2, f"an envelope of {megabytes} MiB, spaces before the brace", r"limit|large|at most|MiB|bytes",
           edited("envelope", lambda text, size=megabytes: b" " * (size << 20) + text))
refuse(2, "a model.sig of 64 MiB, spaces before the brace", r"limit|large|at most|MiB|bytes",
       edited("model_sig", lambda text: b" " * (64 << 20) + text), forms=("rdb", "directory", "bare"))

# ---- 3, 4: how many --------------------------------------------------------------------------------------

refuse(3, "release: signatures is empty", SIGNATURE, edited("signatures", lambda _: []))
refuse(3, "release: no member signatures", "signatures",
       edited("dsse", lambda text: f.dump({key: value for key, value in json.loads(text).items()
                                           if key != "signatures"}).encode()))
refuse(3, "release: white space alone", r"release\.dsse|signature|JSON|empty", edited("dsse", lambda _: b" "))
refuse(3, "release: 65 signatures", "64|signatures|values", edited("signatures", lambda own: own + [
    {"keyid": hashlib.sha256(b"%d" % number).hexdigest(), "sig": own[0]["sig"]} for number in range(63)]))
refuse(3, "model.sig: signatures is empty", SIGNATURE,
       edited("oms", lambda oms: oms["dsseEnvelope"].update(signatures=[])), forms=OMS)
refuse(3, "model.sig: missing though the root wants one", r"model\.sig|signature", edited("oms_text", lambda _: b" "))
JUNK = {"sig": f.b64(bytes(70)), "keyid": ""}
for name, arrange in {"good and junk": lambda good: [good, JUNK], "junk and good": lambda good: [JUNK, good],
                      "good and good": lambda good: [good, good]}.items():
    refuse(4, f"model.sig: two signatures, {name}", "signature", forms=OMS, make=edited(
        "oms", lambda oms, arrange=arrange: oms["dsseEnvelope"].update(
            signatures=arrange(oms["dsseEnvelope"]["signatures"][0]))))

# ---- 5 to 7: whose -----------------------------------------------------------------------------------------

refuse(5, "release: signed by strangers alone", SIGNATURE, lambda site: site.forge(signers=["stranger", "modern"]))
refuse(5, "release: a stranger's signatures under the officers' key ids", SIGNATURE, lambda site: relabelled(site))
refuse(5, "release: signed by the key for models", SIGNATURE, lambda site: site.forge(signers=["model", "officer 1"]))
refuse(5, "release: signed by the holders of the root", SIGNATURE, lambda site: site.forge(signers=["root 1", "root 2"]))
refuse(5, "model.sig: signed by a stranger", r"key|sign", lambda site: site.forge(model_key="stranger"), forms=OMS)
refuse(5, "model.sig: signed by a holder of the root", r"key|sign", lambda site: site.forge(model_key="root 1"), forms=OMS)


def relabelled(site):
    forge = site.forge(signers=["stranger", "stranger"])
    for signature, name in zip(forge.signatures, ("officer 1", "officer 2")):
        signature["keyid"] = site.keys[name].id
    return forge


def hinted(text):
    def make(site):
        forge = site.forge(model_key="stranger" if text is None else "model")
        forge.material["publicKey"]["hint"] = site.keys["model"].id if text is None else text
        return forge
    return make


refuse(5, "model.sig: a stranger's with the hint of the trusted key", r"sign", hinted(None), forms=OMS)
refuse(6, "model.sig: good, with the hint of another key", r"key|hint", hinted("00" * 32), forms=OMS)
refuse(6, "model.sig: good, with an empty hint", r"key|hint", hinted(""), forms=OMS)
for name, keyid in {"admin": "admin", "null": None, "upper case": "AB" * 32, "of 1 MiB": "a" * (1 << 20)}.items():
    refuse(7, f"release: keyid {name}", r"keyid|key id|limit|large|at most|sign",
           edited("signatures", lambda own, keyid=keyid: own[0].update(keyid=keyid)))
accept(7, "model.sig: keyid is for nothing", edited("oms", lambda oms: oms["dsseEnvelope"]["signatures"][0].update(
    keyid="admin")), forms=OMS)
refuse(7, "model.sig: keyid of 1 MiB", r"keyid|limit|large|at most|bytes", edited(
    "oms", lambda oms: oms["dsseEnvelope"]["signatures"][0].update(keyid="a" * (1 << 20))), forms=OMS)

# ---- 8, 9: of what ---------------------------------------------------------------------------------------------


def typed(payload_type, signed_type):
    def make(site):
        forge = site.forge()
        forge.payload_type, forge.signed_type = payload_type, signed_type
        return forge
    return make


for other in ("application/json", "text/plain", "application/vnd.in-toto+json", "", f.RELEASE_TYPE + " "):
    refuse(8, f"release: payload type {other!r}, signed for the right one", r"payload ?type", typed(other, f.RELEASE_TYPE))
    refuse(8, f"release: payload type {other!r}, signed for it", r"payload ?type", typed(other, other))
    refuse(8, f"release: the right type, signed for {other!r}", SIGNATURE, typed(f.RELEASE_TYPE, other))
for other in ("application/json", f.RELEASE_TYPE):
    refuse(8, f"model.sig: payload type {other}", r"payload ?type", forms=OMS, make=edited(
        "oms", lambda oms, other=other: oms["dsseEnvelope"].update(payloadType=other)))
for other in (f.ROOT_TYPE, "application/vnd.redoubt.osimage+json", "application/vnd.redoubt.time+json"):
    refuse(9, f"a document of type {other} as the release", r"payload ?type", typed(other, other))
refuse(9, "the trust root itself as release.dsse", r"payload ?type", lambda site: root_as_release(site))
refuse(9, "a release whose payload calls itself a root", r"type", forged(type="redoubt-root"))
refuse(9, "a release of format 2", r"format", forged(format=2))
refuse(9, "model.sig in the place of release.dsse", r"payload|member|unknown|mediaType|deeper", lambda site: doubled(site))


def root_as_release(site):
    forge = site.forge()
    forge.dsse = f.Root(site.holders(), site.root).text
    return forge


def doubled(site):
    forge = site.forge()
    forge.dsse = forge.oms_text
    return forge


# ---- 10, 11: forms of signatures and kinds of keys ---------------------------------------------------------------

def first_signature(change):
    """Changes one of the two signatures that the threshold needs."""
    def edit(own):
        own[0]["sig"] = f.b64(change(base64.b64decode(own[0]["sig"])))
    return edited("signatures", edit)


ORDER = k.ORDERS["P-384"]
FORMS = {"r||s instead of DER": k.raw_form, "with a byte behind it": lambda der: der + b"\0",
         "in indefinite length": lambda der: b"\x30\x80" + der[2:] + b"\0\0",
         "with a long length": lambda der: b"\x30\x81" + der[1:], "r = 0": lambda der: k.with_parts(der, r=0),
         "s = 0": lambda der: k.with_parts(der, s=0), "r = n": lambda der: k.with_parts(der, r=ORDER),
         "s = n": lambda der: k.with_parts(der, s=ORDER),
         "s = 2^400": lambda der: k.with_parts(der, s=1 << 400), "no bytes": lambda der: b"",
         "one byte short": lambda der: der[:-1], "70 KiB": lambda der: der + bytes(70 << 10)}
for name, change in FORMS.items():
    refuse(10, f"release: a signature {name}", SIGNATURE, first_signature(change))
for name, change in {"r||s instead of DER": lambda der: k.raw_form(der, "P-256"), "with a byte behind it": lambda der: der + b"\0",
                     "s = 0": lambda der: k.with_parts(der, s=0), "r = 0": lambda der: k.with_parts(der, r=0),
                     "s = n": lambda der: k.with_parts(der, s=k.ORDERS["P-256"])}.items():
    refuse(10, f"model.sig: a signature {name}", r"sign", edited("oms_signature", change), forms=OMS)
accept(10, "release: a signature's twin, which is as valid", first_signature(k.twin))
accept(10, "model.sig: a signature's twin", edited("oms_signature", lambda der: k.twin(der, "P-256")), forms=OMS)


def wrong_hash(site):
    forge = site.forge()
    message = f.pae(f.RELEASE_TYPE, forge.payload)
    forge.signatures[0]["sig"] = f.b64(site.keys["officer 1"].sign(message, hashes.SHA256))
    return forge


refuse(10, "release: P-384 over SHA-256", SIGNATURE, wrong_hash)
refuse(10, "model.sig: P-256 over SHA-384", r"sign", lambda site: oms_hash(site), forms=OMS)


def oms_hash(site):
    forge = site.forge()
    forge.oms_signature = site.keys["model"].sign(f.pae(f.OMS_TYPE, forge.oms_payload), hashes.SHA384)
    return forge


def root_with_model_key(kind, pem=None):
    """A next root, signed as it should be, that trusts such a key for model.sig."""
    def members(site):
        key = k.Key(kind)
        text = pem(key) if pem else key.pem
        identity = hashlib.sha256(text.encode()).hexdigest()
        entry = {"id": identity, "suite": key.suite, "name": kind, "public": text}
        return {"keys": site.root["keys"] + [entry], "model": {**site.root["model"], "keys": [identity]}}
    return members


def refuse_root(line, name, reason, change, signers=None):
    """A trust root that is not taken; `change(document, site)` edits version N+1, or replaces it."""
    @case(line, name)
    def _(sites):
        site = sites.copy_of("site")  # one that is taken by mistake must not spoil the other cases
        document = json.loads(json.dumps(site.root))
        document["version"] += 1
        document = change(document, site) or document
        root = document if isinstance(document, f.Root) else f.Root(
            signers(site) if signers else site.holders(), document)
        before = site.tree()
        outcome = site.trust("update", root.text, check=False)
        check_in_order(outcome)
        said = outcome.said.decode(errors="replace")
        assert site.tree() == before, f"the state changed: {said[-400:]}"
        # An old root among others on a medium is passed over.
        assert outcome.status == 1 or "stays in force" in said, f"status {outcome.status}: {said[-600:]}"
        assert re.search(reason, said, re.IGNORECASE), f"the reason is not {reason!r}: {said[-600:]}"
        return 1, said.splitlines()[0]


for kind in ("secp256k1", "RSA-1024", "RSA-3072", "Ed25519"):
    refuse_root(11, f"{kind} as a key for model.sig", r"suite|curve|RSA|Ed25519|unsupported|supported|key",
                lambda document, site, kind=kind: document.update(root_with_model_key(kind)(site)))
refuse_root(11, "explicit curve parameters in a key for model.sig", r"curve|parameter|key",
            lambda document, site: document.update(root_with_model_key("P-256", k.explicit_parameters_pem)(site)))

# ---- 12: base64 ---------------------------------------------------------------------------------------------------

def late(text, foreign):
    """In the middle, at a multiple of four."""
    at = len(text) // 8 * 4
    return text[:at] + foreign + text[at:]


def nonzero_tail(text):
    """Bits set behind the last byte; for texts that end in padding."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    core = text.rstrip("=")
    assert core != text
    return core[:-1] + alphabet[alphabet.index(core[-1]) | 1] + text[len(core):]


BASE64 = {"a foreign character": lambda text: late(text, "!!!!"), "an embedded newline": lambda text: late(text, "\n"),
          "a space": lambda text: late(text, " "), "no padding": lambda text: text.rstrip("="),
          "padding in the middle": lambda text: late(text, "===="), "too much padding": lambda text: text + "=",
          "both alphabets": lambda text: late(text, "+_-/"), "bits behind the end": nonzero_tail,
          "a NUL": lambda text: late(text, "\0"), "one character": lambda _: "A", "UTF-8": lambda text: late(text, "ÄÖ")}


def padded_payload(site):
    """A release whose payload's base64 ends in padding."""
    for spare in range(3):
        forge = site.forge(version="2026" + "." * spare)
        if len(forge.payload) % 3 == 2:
            return forge
    raise AssertionError("no length fits")


for name, change in BASE64.items():
    def in_payload(site, change=change):
        forge = padded_payload(site)
        forge.dsse = f.dump({"payload": change(f.b64(forge.payload)), "payloadType": f.RELEASE_TYPE,
                             "signatures": forge.signatures}).encode()
        return forge

    def in_signature(site, change=change):
        forge = site.forge()
        while len(base64.b64decode(forge.signatures[0]["sig"])) % 3 != 2:
            forge = site.forge()
        forge.signatures[0]["sig"] = change(forge.signatures[0]["sig"])
        return forge

    def in_oms(site, change=change):
        forge = site.forge()
        while len(forge.oms_payload) % 3 != 2:
            forge.oms_payload += b" "
        envelope = forge.oms["dsseEnvelope"]
        envelope["payload"] = change(envelope["payload"])
        return forge

    refuse(12, f"release: payload with {name}", r"base64|payload|JSON", in_payload, forms=("rdb",))
    refuse(12, f"release: signature with {name}", r"base64|sig", in_signature, forms=("rdb",))
    refuse(12, f"model.sig: payload with {name}", r"base64|payload", in_oms, forms=("bare",))



def url_safe(site):
    """DSSE asks verifiers to take this alphabet too."""
    forge = site.forge()
    forge.dsse = f.dump({"payload": f.b64(forge.payload).translate(URL_SAFE), "payloadType": f.RELEASE_TYPE, "signatures": [
        {"keyid": one["keyid"], "sig": one["sig"].translate(URL_SAFE)} for one in forge.signatures]}).encode()
    return forge


URL_SAFE = str.maketrans("+/", "-_")
accept(12, "release: the URL-safe alphabet", url_safe)

# ---- 13: a member twice ---------------------------------------------------------------------------------------------

TWICE = r"twice|duplicate|again"
for member in (b'"type":"redoubt-release"', b'"sequence":2', b'"sites":[]', b'"backends":["cpu","cuda"]', b'"golden":""',
               b'"license":"Apache-2.0"', b'"issued":"2026-11-01T00:00:00Z"'):
    refuse(13, f"release: {member.decode()} twice", TWICE,
           edited("payload", swapped(member, member + b"," + member)), forms=("rdb",))
for key in ("name", "size", "sha256", "sha384", "chunks"):
    def twice(text, key=key):
        files = json.loads(text)["files"][0]
        member = f.dump({key: files[key]})[1:-1].encode()
        return swapped(member, member + b"," + member)(text)
    refuse(13, f"release: {key} of a file twice", TWICE, edited("payload", twice), forms=("rdb",))
for member in (b'"payloadType":"' + f.RELEASE_TYPE.encode() + b'"', b'"signatures":[', b'"keyid":', b'"payload":'):
    def again(text, member=member):
        value = {b'"signatures":[': b'"signatures":[],', b'"keyid":': b'"keyid":"x",',
                 b'"payload":': b'"payload":"x",'}.get(member, member + b",")
        return swapped(member, value + member)(text)
    refuse(13, f"release.dsse: {member.decode()} twice", TWICE, edited("dsse", again), forms=("rdb",))
for member in (b'"mediaType":', b'"verificationMaterial":', b'"publicKey":', b'"hint":', b'"dsseEnvelope":', b'"payload":',
               b'"payloadType":', b'"signatures":', b'"sig":', b'"keyid":', b'"tlogEntries":'):
    refuse(13, f"model.sig: {member.decode()} twice", TWICE, edited("oms_text", swapped(member, member + b'"x",' + member)),
           forms=("bare",))
for member in (b'"_type":', b'"subject":', b'"digest":', b'"sha256":', b'"predicateType":', b'"predicate":', b'"resources":',
               b'"name":', b'"algorithm":', b'"serialization":', b'"method":', b'"hash_type":', b'"allow_symlinks":',
               b'"ignore_paths":'):
    refuse(13, f"model.sig, statement: {member.decode()} twice", TWICE,
           edited("oms_payload", swapped(member, member + b'"x",' + member)), forms=("bare",))

# ---- 14, 15: JSON that is none -----------------------------------------------------------------------------------------

NUMBERS = {"1.0": b"2.0", "1e400": b"1e400", "an exponent": b"2e0", "-0": b"-0", "2^63": b"9223372036854775808",
           "2^64": b"18446744073709551616", "2^53": b"9007199254740992", "NaN": b"NaN", "Infinity": b"Infinity",
           "+2": b"+2", "02": b"02", "hex": b"0x2", "400 digits": b"2" * 400, "a text": b'"2"', "true": b"true",
           "null": b"null", "10,000 brackets": b"[" * 10_000 + b"]" * 10_000, "an array": b"[2]", "nothing": b""}
for name, number in NUMBERS.items():
    refuse(14, f"release: sequence is {name}", r"sequence|JSON|depth|deep|nest|number|byte",
           edited("payload", swapped(b'"sequence":2', b'"sequence":' + number)), forms=("rdb",))
TEXTS = {"a lone surrogate": b'"\\ud800"', "a NUL": b'"a\\u0000b"', "a raw NUL": b'"a\0b"', "invalid UTF-8": b'"\xff\xfe"',
         "an overlong slash": b'"\xc0\xaf"', "a surrogate in UTF-8": b'"\xed\xa0\x80"', "a raw newline": b'"a\nb"',
         "an unknown escape": b'"\\x41"', "single quotes": b"'a'"}
for name, text in TEXTS.items():
    refuse(14, f"release: version is {name}", r"version|JSON|UTF-8|byte|escape|ASCII|control",
           edited("payload", swapped(b'"version":"2026.11"', b'"version":' + text)), forms=("rdb",))
    refuse(14, f"model.sig, statement: the subject is {name}", r"name|subject|JSON|UTF-8|byte|escape|control",
           edited("oms_payload", swapped(b'"name":"assistant"', b'"name":' + text)), forms=("bare",))
WHOLE = {"a comment": lambda text: b"/* */" + text, "a line comment": lambda text: text.replace(b"{", b"{//\n", 1),
         "a trailing comma": lambda text: text.rstrip()[:-1] + b",}", "a byte order mark": lambda text: b"\xef\xbb\xbf" + text,
         "UTF-16": lambda text: text.decode().encode("utf-16"), "an array around it": lambda text: b"[" + text + b"]",
         "10,000 levels": lambda text: b'{"a":' * 10_000 + text + b"}" * 10_000}
BEHIND = {"a second value": b"{}", "a number": b" 1", "a bracket": b"}", "a NUL": b"\0", "a byte order mark": b"\xef\xbb\xbf",
          "the same again": None}
for name, change in WHOLE.items():
    refuse(14, f"release: payload with {name}", r"JSON|byte|object|depth|nest|deep|UTF", edited("payload", change),
           forms=("rdb",))
    refuse(14, f"release.dsse with {name}", r"JSON|byte|object|depth|nest|deep|UTF|neither", edited("dsse", change),
           forms=("rdb",))
    refuse(14, f"model.sig, statement with {name}", r"JSON|byte|object|depth|nest|deep|UTF", edited("oms_payload", change),
           forms=("bare",))
for name, tail in BEHIND.items():
    def followed(text, tail=tail):
        return text + (text if tail is None else tail)
    refuse(15, f"release: payload followed by {name}", r"JSON|byte|behind|after|trailing", edited("payload", followed),
           forms=("rdb",))
    refuse(15, f"release.dsse followed by {name}", r"JSON|byte|behind|after|trailing", edited("dsse", followed))
    refuse(15, f"release.dsse, {name} behind its padding", r"JSON|byte|behind|after|trailing|pad|space",
           edited("envelope", lambda text, tail=tail: text[:-4] + (b"{}  " if tail is None else tail.ljust(4))))
    refuse(15, f"model.sig, statement followed by {name}", r"JSON|byte|behind|after|trailing",
           edited("oms_payload", followed), forms=("bare",))
    refuse(15, f"model.sig followed by {name}", r"JSON|byte|behind|after|trailing", edited("oms_text", followed), forms=OMS)


def without(members, key):
    return {name: value for name, value in members.items() if name != key}


for where, key in {"the statement": "surprise", "a file": "mode"}.items():
    def grown(statement, where=where, key=key):
        (statement if where == "the statement" else statement["files"][0])[key] = 1
    refuse(14, f"release: a member in {where} that nobody knows", r"surprise|mode|unknown", edited("statement", grown),
           forms=("rdb",))
for key in ("type", "format", "name", "sequence", "version", "issued", "product", "product_min", "sites", "hardware",
            "license", "model_root", "files", "qualify"):
    refuse(14, f"release: without {key}", key, edited("statement", lambda statement, key=key: without(statement, key)),
           forms=("rdb",))

# ---- 16, 17: what else a model.sig could be -----------------------------------------------------------------------------

for predicate in ("https://model_signing/signature/v2.0", "https://model_signing/Digests/v0.1", "https://slsa.dev/provenance/v1", ""):
    refuse(16, f"model.sig: predicate type {predicate!r}", r"predicate", forms=OMS, make=edited(
        "oms_statement", lambda statement, predicate=predicate: statement.update(predicateType=predicate)))
refuse(16, "model.sig: another statement type", r"_type|type", forms=OMS, make=edited(
    "oms_statement", lambda statement: statement.update(_type="https://in-toto.io/Statement/v0.1")))


def legacy(site):
    """v0.2.0 of the tool signed this instead of DSSE's encoding."""
    forge = site.forge()
    text = b"DSSEV1 %d %s %d %s" % (len(f.OMS_TYPE), f.OMS_TYPE.encode(), len(forge.oms_payload),
                                    repr(forge.oms_payload).encode())
    forge.oms_signature = site.keys["model"].sign(text)
    return forge


refuse(16, "model.sig: the encoding of v0.2", r"sign", legacy, forms=OMS)
for media in ("application/vnd.dev.sigstore.bundle+json;version=0.3", "application/vnd.dev.sigstore.bundle.v0.2+json", ""):
    refuse(16, f"model.sig: media type {media!r}", r"mediaType|media type", forms=OMS,
           make=edited("oms", lambda oms, media=media: oms.update(mediaType=media)))
MESSAGE = {"messageDigest": {"algorithm": "SHA2_256", "digest": f.b64(bytes(32))}, "signature": f.b64(bytes(70))}
refuse(17, "model.sig: a messageSignature beside the envelope", r"messageSignature", forms=OMS,
       make=edited("oms", lambda oms: oms.update(messageSignature=MESSAGE)))
refuse(17, "model.sig: a messageSignature alone", r"messageSignature|dsseEnvelope", forms=OMS, make=edited(
    "oms", lambda oms: {**{key: value for key, value in oms.items() if key != "dsseEnvelope"}, "messageSignature": MESSAGE}))
refuse(17, "model.sig: a key and certificates", r"publicKey|x509|certificate", forms=OMS, make=edited(
    "material", lambda material: material.update(x509CertificateChain={"certificates": [{"rawBytes": "AAAA"}]})))
refuse(17, "model.sig: neither key nor certificates", r"publicKey|x509|certificate|key", forms=OMS, make=edited(
    "material", lambda material: material.pop("publicKey") and None))
refuse(17, "model.sig: a member that nobody knows", r"vendor|unknown", forms=OMS,
       make=edited("oms", lambda oms: oms.update(vendor=1)))
refuse(17, "model.sig: the keyless method", r"certificate|unknown|support", forms=OMS, make=edited(
    "material", lambda material: {"certificate": {"rawBytes": "AAAA"}, "tlogEntries": [{}]}))

# ---- 18, 19: hybrids and thresholds ---------------------------------------------------------------------------------------

HYBRID = "hybrid"  # officers 1 to 3 (one of them) and the Ed25519 key: both must hold
refuse(18, "hybrid: the modern signature removed", r"group|of 1|threshold|sign",
       lambda site: site.forge(signers=["officer 1"]), HYBRID)
refuse(18, "hybrid: the classical signature removed", r"group|of 1|threshold|sign",
       lambda site: site.forge(signers=["modern"]), HYBRID)
refuse(18, "hybrid: two classical signatures", r"group|of 1|threshold|sign",
       lambda site: site.forge(signers=["officer 1", "officer 2"]), HYBRID)
refuse(18, "hybrid: one key's signature under both ids", r"group|of 1|threshold|sign", lambda site: borrowed(site), HYBRID)
refuse(18, "hybrid: the signatures of the two swapped", r"group|of 1|threshold|sign", lambda site: exchanged(site), HYBRID)
accept(18, "hybrid: both", lambda site: site.forge(signers=["officer 3", "modern"]), HYBRID)
refuse_root(18, "a root that binds the Ed25519 key to ECDSA", r"suite", lambda document, site: document.update(
    keys=document["keys"] + [{"id": site.keys["modern"].id, "suite": "ecdsa-p384-sha384", "name": "modern",
                              "public": site.keys["modern"].pem}]))
refuse_root(18, "a root with one key in both groups of a role", r"group|twice|role", lambda document, site: document["roles"].update(
    release={"groups": f.one_group(1, [site.keys["officer 1"]])["groups"] * 2}))


def borrowed(site):
    forge = site.forge(signers=["officer 1", "officer 1"])
    forge.signatures[1]["keyid"] = site.keys["modern"].id
    return forge


def exchanged(site):
    forge = site.forge(signers=["officer 1", "modern"])
    first, second = forge.signatures
    first["keyid"], second["keyid"] = second["keyid"], first["keyid"]
    return forge


refuse(19, "one signature of two", SIGNATURE, lambda site: site.forge(signers=["officer 1"]))
refuse(19, "one signature twice", r"twice|sign|of 2", lambda site: site.forge(signers=["officer 1", "officer 1"]))
refuse(19, "one key's signature under another officer's id", SIGNATURE, lambda site: lent(site))
refuse(19, "one good signature and one of a stranger", SIGNATURE, lambda site: site.forge(signers=["officer 1", "stranger"]))
accept(19, "two of three and a stranger's", lambda site: site.forge(signers=["officer 3", "stranger", "officer 1"]))


def lent(site):
    forge = site.forge(signers=["officer 1", "officer 1"])
    forge.signatures[1]["keyid"] = site.keys["officer 2"].id
    return forge


def second_name(document, site):
    """Officer 1 once more, under an id of its own: the PEM text with other line ends."""
    text = site.keys["officer 1"].pem.replace("\n", "\r\n")
    identity = hashlib.sha256(text.encode()).hexdigest()
    document["keys"].append({"id": identity, "suite": "ecdsa-p384-sha384", "name": "officer 4", "public": text})
    document["roles"]["release"]["groups"][0]["keys"].append(identity)


refuse_root(19, "a root that lists one key under two ids", r"id|key|PEM|twice", second_name)
refuse_root(19, "a root that lists one key twice", r"twice|duplicate|key",
            lambda document, site: document["keys"].append(document["keys"][0]))
refuse_root(19, "a root with a key twice in a group", r"twice|group|duplicate",
            lambda document, site: document["roles"]["release"]["groups"][0]["keys"].append(site.keys["officer 1"].id))
