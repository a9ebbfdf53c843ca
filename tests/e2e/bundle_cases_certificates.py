"""Lines 20 to 24: the certificate method of model.sig."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from bundle_cases import accept, case, refuse, written
from bundle_certificates import NOW, YEAR, Certificate, authority
from bundle_keys import Key
from bundle_models import small_gguf
from bundle_site import check_accepted

FORMS = ("rdb", "bare")
REASON = r"certificate|chain|issuer|anchor|CA "
CERTIFIED = "certified"  # trusts ROOT for model.sig, and no key
LISTED = "listed"        # likewise, with lists of revoked certificates that both authorities must have
SECOND = datetime.timedelta(seconds=1)

ROOT = authority("Model Root")
MIDDLE = authority("Model Issuing", ROOT, path_length=0)
FOREIGN = authority("Foreign Root")
REVOKED_LEAF = Certificate("Revoked Signer", MIDDLE)
REVOKED_MIDDLE = authority("Revoked Issuing", ROOT)


def signed_by(leaf, chain):
    """model.sig by `leaf` with these certificates behind it. Both may be made when asked for, as making them costs time."""
    def make(site):
        signer, others = leaf() if callable(leaf) else leaf, chain() if callable(chain) else chain
        forge = site.forge()
        forge.model_key = signer.key
        forge.certify([signer.der, *[one if isinstance(one, bytes) else one.der for one in others]])
        return forge
    return make


def refused(line, name, leaf, chain=(MIDDLE,), reason=REASON, site=CERTIFIED):
    refuse(line, f"certificates: {name}", reason, signed_by(leaf, chain), site, FORMS)


accept(20, "certificates: leaf, intermediate, a root that is trusted", signed_by(Certificate("Signer", MIDDLE), [MIDDLE]),
       CERTIFIED, FORMS)
accept(20, "certificates: the root itself in the chain as well", signed_by(Certificate("Signer", MIDDLE), [MIDDLE, ROOT]),
       CERTIFIED, FORMS)


@case(20, "certificates: what came in by them is served, where they are checked again")
def _(sites):
    for form in FORMS:
        site = sites.copy_of(LISTED)
        forge = site.forge({"model/small.gguf": small_gguf(2)})
        leaf = Certificate("Signer", MIDDLE)
        forge.model_key = leaf.key
        forge.certify([leaf.der, MIDDLE.der])
        before = site.activation()["active"]
        check_accepted(site, written(site, forge, form))
        site.serve_until_ready()
        after = site.activation()
        assert after["active"] != before and not after["failed"], (after, site.log.read_text(errors="replace")[-600:])
    return len(FORMS), "served"


refused(20, "a leaf that signed itself", Certificate("Signer"), [])
refused(20, "a leaf that signed itself under the root's name", Certificate("Model Root"), [])
refused(20, "a root that only the bundle knows", lambda: Certificate("Signer", FOREIGN), [FOREIGN])
refused(20, "another root of the trusted one's name", lambda: Certificate("Signer", namesake()), lambda: [namesake()])
refused(20, "no intermediate", Certificate("Signer", MIDDLE), [])
refused(20, "no certificate at all", Certificate("Signer", MIDDLE), [b""])
refused(20, "a certificate that is none", Certificate("Signer", MIDDLE), [b"\x30\x03\x02\x01\x01"])
refused(20, "a good chain, signed with another key", lambda: with_other_key(), [MIDDLE], r"sign")
refused(20, "the trusted root signs models itself", ROOT, [])


_NAMESAKE = []


def namesake():
    if not _NAMESAKE:
        _NAMESAKE.append(authority("Model Root"))
    return _NAMESAKE[0]


def with_other_key():
    leaf = Certificate("Signer", MIDDLE)
    leaf.key = Key()
    return leaf


refused(21, "the leaf is expired", lambda: Certificate("Signer", MIDDLE, ends=NOW - 200 * SECOND * 86400), reason=r"expired|valid")
refused(21, "the leaf is not yet valid", lambda: Certificate("Signer", MIDDLE, begins=NOW + 30 * YEAR, ends=NOW + 31 * YEAR),
        reason=r"not yet|valid")
refused(21, "the intermediate is expired", lambda: Certificate("Signer", expired_issuer()), lambda: [expired_issuer()],
        reason=r"expired|valid")

_EXPIRED = []


def expired_issuer():
    if not _EXPIRED:
        _EXPIRED.append(authority("Old Issuing", ROOT, begins=NOW - 5 * YEAR, ends=NOW - YEAR))
    return _EXPIRED[0]


USAGE = r"purpose|usage|extension|certificate"
refused(22, "a leaf for servers", lambda: Certificate("Signer", MIDDLE, usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), reason=USAGE)
refused(22, "a leaf without extended usage", lambda: Certificate("Signer", MIDDLE, usages=()), reason=USAGE)
refused(22, "a leaf for key agreement", lambda: Certificate("Signer", MIDDLE, usage=("key_agreement",)), reason=USAGE)
refused(22, "an authority as the signer", lambda: Certificate("Signer", ROOT, ca=(True, None),
                                                             usage=("digital_signature", "key_cert_sign")), [], USAGE)
refused(22, "an intermediate that is no authority", lambda: Certificate("Signer", plain()), lambda: [plain()])
refused(22, "an intermediate without basic constraints", lambda: Certificate("Signer", bare_middle()), lambda: [bare_middle()])
refused(22, "a path that is too long", lambda: Certificate("Signer", deeper()), lambda: [deeper(), MIDDLE])
refused(22, "a name outside of the constraints", lambda: Certificate("Signer", narrow(), more=[
    (x509.SubjectAlternativeName([x509.DNSName("other.example")]), False)]), lambda: [narrow()])
refused(22, "an unknown critical extension", lambda: Certificate("Signer", MIDDLE, more=[
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True)]))

_MADE = {}


def once(name, make):
    if name not in _MADE:
        _MADE[name] = make()
    return _MADE[name]


def plain():
    return once("plain", lambda: Certificate("Plain", ROOT, usage=("digital_signature", "key_cert_sign")))


def bare_middle():
    return once("bare", lambda: Certificate("Bare Issuing", ROOT, ca=None, usages=(), usage=()))


def deeper():
    return once("deeper", lambda: authority("Deeper Issuing", MIDDLE))


def narrow():
    return once("narrow", lambda: authority("Narrow Issuing", ROOT, more=[
        (x509.NameConstraints([x509.DNSName("example.org")], None), True)]))


refused(23, "the leaf is revoked", REVOKED_LEAF, [MIDDLE], r"revoked", LISTED)
refused(23, "the intermediate is revoked", lambda: Certificate("Signer", REVOKED_MIDDLE), [REVOKED_MIDDLE],
        r"revoked", LISTED)
refused(23, "an intermediate without a list, where lists are kept", lambda: Certificate("Signer", unlisted()),
        lambda: [unlisted()], r"CRL|revo", LISTED)
refused(23, "the lists are expired", lambda: Certificate("Signer", MIDDLE), [MIDDLE], r"CRL|expired|revo", "stale lists")
accept(23, "certificates: not on the lists", signed_by(Certificate("Signer", MIDDLE), [MIDDLE]), LISTED, FORMS)


def unlisted():
    return once("unlisted", lambda: authority("Unlisted Issuing", ROOT))


def current_lists():
    return [ROOT.revokes([REVOKED_MIDDLE]), MIDDLE.revokes([REVOKED_LEAF]), REVOKED_MIDDLE.revokes([])]


def stale_lists():
    return [ROOT.revokes([], ends=NOW - 300 * SECOND * 86400), MIDDLE.revokes([], ends=NOW - 300 * SECOND * 86400)]


def long_chain():
    return [MIDDLE] * 1000


def cyclic():
    """Two authorities that issued each other."""
    first_key, second_key = Key(), Key()
    seed = authority("Cycle A", key=first_key)
    second = authority("Cycle B", seed, key=second_key)
    first = authority("Cycle A", second, key=first_key)
    return first, second


def cyclic_leaf():
    _MADE["cycle"] = cyclic()
    return Certificate("Signer", _MADE["cycle"][0])


BOUND = REASON + r"|at most|limit|large|bytes|more than"
refused(24, "1,000 of them", Certificate("Signer", MIDDLE), long_chain, BOUND)
refused(24, "one of 10 MB", Certificate("Signer", MIDDLE), lambda: [b"\x30\x83\x98\x96\x80" + bytes(10_000_000)], BOUND)
refused(24, "issuers in a circle", cyclic_leaf, lambda: list(_MADE["cycle"]))
for kind in ("secp256k1", "Ed25519", "RSA-1024"):
    refused(11, f"a leaf with a key of {kind}", lambda kind=kind: Certificate("Signer", MIDDLE, key=Key(kind)),
            reason=r"key|curve|certificate|algorithm")
