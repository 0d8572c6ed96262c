"""A certificate that nobody but the tests trusts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import MissingServerError
from .ward import Ward

#: Seconds to make an elliptic key and sign it; 0.02 were measured.
_SECONDS = 30.0


@dataclass(frozen=True)
class Certificate:
    """Files in PEM.

    Attributes:
        public: The certificate, which is its own authority: what clients verify with.
        private: Its key, readable by the server alone.
    """

    public: Path
    private: Path


def make_certificate(ward: Ward, host: str) -> Certificate:
    """Make one for an address and for `localhost`, valid for two days."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise MissingServerError("openssl", "openssl")
    made = Certificate(ward.folder / "server.crt", ward.folder / "server.key")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{host}"]
    files = ["-keyout", str(made.private), "-out", str(made.public), "-days", "2"]
    ward.run([openssl, "req", "-x509", *key, *about, *files], _SECONDS)
    made.private.chmod(0o600)
    # Clients of other users read this one, and nothing else in the folder.
    ward.folder.chmod(0o711)
    made.public.chmod(0o644)
    return made
