"""What cosign says of a signature, and what it says where it could not look at any."""

import pytest

from deploytool.proofs.cosign import is_unlooked


@pytest.mark.parametrize(
    "words",
    [
        # Sigstore, which vouches for identities.
        "getting Rekor public keys: updating local metadata and targets: error updating to TUF "
        'remote mirror: tuf: failed to download 13.root.json: Get "https://tuf.example/13": dial '
        "tcp: lookup tuf.example on 10.0.0.53:53: no such host",
        "getting Fulcio roots: initializing tuf: invalid metadata",
        "getting CTLog public keys: expired",
        "error getting trusted root: it has expired",
        # The registry.
        'Get "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
        "proxyconnect tcp: EOF",
        "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer",
        'Get "https://host/v2/": net/http: TLS handshake timeout',
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "GET https://host/v2/shop/manifests/x: unexpected status code 503 Service Unavailable",
        "GET https://host/token: UNAUTHORIZED: authentication required",
        "HEAD https://host/v2/shop: DENIED: requested access to the resource is denied",
    ],
)
def test_where_it_could_not_look_it_has_found_nothing(words: str) -> None:
    assert is_unlooked(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "no signatures found",
        "no matching signatures: invalid signature when validating ASN.1 encoded signature",
        "no matching attestations: accepted signatures do not match threshold, Found: 0, Expected "
        "1",
        "none of the attestations matched the predicate type: cyclonedx, found: "
        "https://spdx.dev/Document",
        "none of the expected identities matched what was in the certificate, got subjects "
        "[https://example.org/job] with issuer https://token.example",
        "x509: certificate signed by unknown authority",
        "it is no bundle of cosign (JSONDecodeError)",
    ],
)
def test_what_it_has_found_is_no_failure_to_look(words: str) -> None:
    assert not is_unlooked(words)
