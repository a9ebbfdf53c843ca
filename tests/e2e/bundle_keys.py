"""Keys of every kind, and signatures with every fault, made without any code of the product.

Key ids are SHA-256 over the PEM SubjectPublicKeyInfo, as provisioning/BUNDLE.md section 4 has it; ECDSA signatures are
ASN.1 DER over the hash that belongs to the curve.
"""
import base64
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

CURVES = {"P-256": (ec.SECP256R1, hashes.SHA256, "ecdsa-p256-sha256"),
          "P-384": (ec.SECP384R1, hashes.SHA384, "ecdsa-p384-sha384"),
          "P-521": (ec.SECP521R1, hashes.SHA512, "ecdsa-p521-sha512"),
          "secp256k1": (ec.SECP256K1, hashes.SHA256, "ecdsa-secp256k1-sha256")}
# The orders of the groups (SEC 2 version 2): a signature's s and order - s are twins.
ORDERS = {"P-256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
          "P-384": 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973}


class Key:
    """kind: P-256, P-384, P-521, secp256k1, Ed25519 or RSA-1024."""

    def __init__(self, kind="P-384"):
        self.kind = kind
        if kind == "Ed25519":
            self.private, self.suite = ed25519.Ed25519PrivateKey.generate(), "ed25519"
        elif kind.startswith("RSA-"):
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=int(kind[4:]))
            self.suite = "rsa"
        else:
            curve, self.hash, self.suite = CURVES[kind]
            self.private = ec.generate_private_key(curve())
        self.der = self.private.public_key().public_bytes(serialization.Encoding.DER,
                                                          serialization.PublicFormat.SubjectPublicKeyInfo)
        self.pem = self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                          serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        self.id = hashlib.sha256(self.pem.encode()).hexdigest()

    def sign(self, message, hash=None):
        if self.kind == "Ed25519":
            return self.private.sign(message)
        if self.kind.startswith("RSA-"):
            return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(message, ec.ECDSA((hash or self.hash)()))

    def private_pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()).decode()


def raw_form(signature, kind="P-384"):
    """r || s instead of DER."""
    r, s = decode_dss_signature(signature)
    width = (ORDERS[kind].bit_length() + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def twin(signature, kind="P-384"):
    """The other signature that verifies as well: (r, n - s)."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, ORDERS[kind] - s)


def with_parts(signature, r=None, s=None):
    own_r, own_s = decode_dss_signature(signature)
    return encode_dss_signature(own_r if r is None else r, own_s if s is None else s)


def explicit_parameters_pem(key):
    """The P-256 key with its curve written out instead of named (RFC 5480 section 2.1.1 forbids that)."""
    def der(tag, *parts):
        body = b"".join(parts)
        size = bytes([len(body)]) if len(body) < 128 else bytes([0x81 if len(body) < 256 else 0x82]) + \
            len(body).to_bytes(1 if len(body) < 256 else 2, "big")
        return bytes([tag]) + size + body

    def integer(value):
        return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
    generator = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                              "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    curve = der(0x30, der(4, (p - 3).to_bytes(32, "big")), der(4, b.to_bytes(32, "big")))
    prime_field = der(6, bytes.fromhex("2a8648ce3d0101"))
    parameters = der(0x30, integer(1), der(0x30, prime_field, integer(p)), curve, der(4, generator),
                     integer(ORDERS["P-256"]), integer(1))
    numbers = key.private.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    algorithm = der(0x30, der(6, bytes.fromhex("2a8648ce3d0201")), parameters)
    text = base64.b64encode(der(0x30, algorithm, der(3, b"\0" + point))).decode()
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
