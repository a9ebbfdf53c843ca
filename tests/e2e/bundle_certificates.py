"""A certificate authority with every fault there is, for the certificate method of OpenSSF Model Signing."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bundle_keys import Key

NOW = datetime.datetime(2026, 11, 1)
YEAR = datetime.timedelta(days=365)


def name_of(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def key_usage(*which):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in which for name in names})


class Certificate:
    """issuer None: self-signed. `ca`: (True or False, path length) or None for no basic constraints at all; `usages`: the
    extended ones; `more`: (extension, critical) besides."""

    def __init__(self, common, issuer=None, key=None, ca=(False, None), usages=(ExtendedKeyUsageOID.CODE_SIGNING,),
                 usage=("digital_signature",), begins=NOW - YEAR, ends=NOW + 5 * YEAR, more=()):
        self.key = key or Key()
        self.issuer = issuer or self
        subject = name_of(common)
        builder = (x509.CertificateBuilder().subject_name(subject).serial_number(x509.random_serial_number())
                   .issuer_name(self.issuer.certificate.subject if issuer else subject)
                   .public_key(self.key.private.public_key()).not_valid_before(begins).not_valid_after(ends))
        extensions = [(x509.SubjectKeyIdentifier.from_public_key(self.key.private.public_key()), False),
                      (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.issuer.key.private.public_key()), False)]
        if ca is not None:
            extensions.append((x509.BasicConstraints(*ca), True))
        if usages:
            extensions.append((x509.ExtendedKeyUsage(usages), False))
        if usage:
            extensions.append((key_usage(*usage), True))
        for extension, critical in [*extensions, *more]:
            builder = builder.add_extension(extension, critical)
        digest = None if self.issuer.key.kind == "Ed25519" else hashes.SHA384()
        self.certificate = builder.sign(self.issuer.key.private, digest)

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def revokes(self, certificates, begins=NOW - YEAR, ends=NOW + 5 * YEAR):
        """A PEM list of revoked certificates."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(begins).next_update(ends)
        builder = builder.add_extension(x509.CRLNumber(1), False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.private.public_key()), False)
        for revoked in certificates:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(revoked.certificate.serial_number)
                .revocation_date(begins).build())
        return builder.sign(self.key.private, hashes.SHA384()).public_bytes(serialization.Encoding.PEM).decode()


def authority(common, issuer=None, path_length=None, **options):
    return Certificate(common, issuer, ca=(True, path_length), usages=(), usage=("key_cert_sign", "crl_sign"), **options)
