"""Authlib with certificates: tls_client_auth and self_signed_tls_client_auth, with tokens that are bound to the certificate. Each
walks from the metadata over userinfo and data to a revoked token. Prints "ok" at the end."""

import base64
import os
from urllib.parse import urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.auth import encode_none
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey

from person import allow

env = os.environ
SCOPES = ["openid", "profile", "offline_access", "api.access.odata"]
user = (env["USERNAME"], env["PASSWORD"])

server = AuthorizationServerMetadata(requests.get(get_well_known_url(env["SERVER"], external=True)).json())
server.validate()
asking = server["mtls_endpoint_aliases"]
# Data are at the address that asks for certificates, too.
origin = "{0.scheme}://{0.netloc}".format(urlsplit(asking["token_endpoint"]))
resource = origin + urlsplit(env["RESOURCE"]).path


def loaded(name):
    return tuple(f"{env['CERTIFICATES']}/{name}.{kind}" for kind in ["pem", "key"])


def parsed(certificate):
    with open(certificate[0], "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def key_set(certificate):
    own = parsed(certificate)
    chain = [base64.b64encode(own.public_bytes(Encoding.DER)).decode()]
    return {"keys": [{**ECKey.import_key(own.public_key()).as_dict(private=False), "x5c": chain}]}


def session(client_id, certificate, method):
    client = OAuth2Session(
        client_id,
        redirect_uri=env["REDIRECT_URI"],
        scope=SCOPES,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )
    client.register_client_auth_method((method, encode_none))
    client.cert = certificate
    return client


def walk(certificate, other, method, **members):
    payload = {"name": "Authlib", "redirectUrls": [env["REDIRECT_URI"]], "scopes": SCOPES, **members}
    payload |= {"tokenEndpointAuthMethod": method, "tlsClientCertificateBoundAccessTokens": True}
    answer = requests.post(env["SERVER"] + "/api/mgmt/oauth/client/applications", json=payload, auth=user)
    assert answer.status_code == 201, answer.text
    client = session(answer.json()["clientId"], certificate, method)
    verifier = generate_token(64)
    address, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    back = allow(address, *user)
    token = client.fetch_token(asking["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    assert client.get(asking["userinfo_endpoint"]).json()["preferred_username"] == user[0]
    assert client.get(resource).json()["value"] == [{"Id": 1, "Name": "rope"}]
    client.refresh_token(asking["token_endpoint"])
    shown = client.introspect_token(asking["introspection_endpoint"], token=client.token["access_token"]).json()
    digest = base64.urlsafe_b64encode(parsed(certificate).fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert shown["cnf"]["x5t#S256"] == digest, shown
    assert client.get(resource).status_code == 200
    headers = {"Authorization": "Bearer " + client.token["access_token"]}
    for stolen in [other, None]:
        assert requests.get(resource, headers=headers, cert=stolen).status_code == 401
    assert requests.get(env["RESOURCE"], headers=headers).status_code == 401
    client.revoke_token(asking["revocation_endpoint"], token=token["refresh_token"]).raise_for_status()
    assert client.get(resource).status_code == 401
    try:
        client.refresh_token(asking["token_endpoint"], refresh_token=token["refresh_token"])
        raise AssertionError("a revoked token was refreshed")
    except OAuthError as refused:
        assert refused.error == "invalid_grant", refused


crane, pilot, self_signed = (loaded(name) for name in ["crane", "pilot", "self-signed"])
walk(crane, pilot, "tls_client_auth", tlsClientAuth={"subjectDn": "CN=crane 7,O=Harbour,C=DE"})
walk(self_signed, crane, "self_signed_tls_client_auth", jwks=key_set(self_signed))
print("ok")
