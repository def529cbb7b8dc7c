"""The certificates of the TLS servers: the same for all, made by openssl for this machine alone."""

import subprocess

from servers import KEYS, certificate

# The kind of key that `SelfSignedCertificate` makes, and the most common other kind.
ALGORITHMS = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


def make():
    """Makes a certificate for each kind of key."""
    for key in KEYS:
        path, key_path = certificate(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *ALGORITHMS[key], "-noenc", "-keyout", key_path, "-out", path,
             "-days", "7", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True)
