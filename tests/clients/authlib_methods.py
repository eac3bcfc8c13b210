"""Authlib with each method of client authentication, as a device, and for a token exchange. Each walks from the metadata over
userinfo and data to a revoked token. Prints "ok" at the end."""

import os

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests  # noqa: E402
from authlib.common.security import generate_token  # noqa: E402
from authlib.integrations.base_client import OAuthError  # noqa: E402
from authlib.integrations.requests_client import OAuth2Session  # noqa: E402
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT  # noqa: E402
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url  # noqa: E402
from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: E402

from person import allow  # noqa: E402
from register import administrator, register, user  # noqa: E402

env = os.environ
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SCOPES = ["openid", "profile", "offline_access", "api.access.odata"]

server = AuthorizationServerMetadata(requests.get(get_well_known_url(env["SERVER"], external=True)).json())
server.validate()
assert server["issuer"] == env["SERVER"]


def session(application, **more):
    more = {"redirect_uri": env["REDIRECT_URI"], "scope": SCOPES, "code_challenge_method": "S256", **more}
    return OAuth2Session(application["clientId"], application.get("clientSecret"), **more)


def authorized(client):
    verifier = generate_token(64)
    address, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    back = allow(address, *user)
    return client.fetch_token(server["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)


def ends_when_revoked(client):
    assert client.get(env["RESOURCE"]).status_code == 200
    client.refresh_token(server["token_endpoint"])
    assert client.get(env["RESOURCE"]).status_code == 200
    token = client.token["refresh_token"]
    client.revoke_token(server["revocation_endpoint"], token=token).raise_for_status()
    assert client.get(env["RESOURCE"]).status_code == 401
    try:
        client.refresh_token(server["token_endpoint"], refresh_token=token)
        raise AssertionError("a revoked token was refreshed")
    except OAuthError as refused:
        assert refused.error == "invalid_grant", refused


def walk(client):
    authorized(client)
    assert client.get(server["userinfo_endpoint"]).json()["preferred_username"] == user[0]
    ends_when_revoked(client)


confidential = register(scopes=SCOPES)
for method in ["client_secret_basic", "client_secret_post"]:
    walk(session(confidential, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method))

method = "client_secret_jwt"
proving = session(
    register(scopes=SCOPES, tokenEndpointAuthMethod=method),
    token_endpoint_auth_method=method,
    revocation_endpoint_auth_method=method,
)
proving.register_client_auth_method(ClientSecretJWT(server["token_endpoint"]))
walk(proving)

installed = register(scopes=SCOPES, clientType="public", grantTypes=["authorization_code", "refresh_token", DEVICE])
walk(session(installed))

keys = {
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    "RS384": RSAKey.generate_key(3072),
}
for algorithm, key in keys.items():
    method = "private_key_jwt"
    keyed = register(scopes=SCOPES, tokenEndpointAuthMethod=method, jwks={"keys": [key.as_dict(private=False)]})
    client = session(
        {**keyed, "clientSecret": key}, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method
    )
    client.register_client_auth_method(PrivateKeyJWT(server["token_endpoint"], alg=algorithm))
    walk(client)

device = session(installed)
asked = requests.post(
    server["device_authorization_endpoint"], data={"client_id": installed["clientId"], "scope": "api.access.odata"}
).json()
assert allow(asked["verification_uri_complete"], *user) is None
device.fetch_token(server["token_endpoint"], grant_type=DEVICE, device_code=asked["device_code"], scope=None)
device.scope = None
ends_when_revoked(device)

front = session(confidential)
subject = authorized(front)["access_token"]
policy = {"clients": [confidential["clientId"]], "impersonation": False, "delegation": True}
service = session(register(administrator, grantTypes=[EXCHANGE], tokenExchange=policy), scope="api.access.odata")
exchanged = service.fetch_token(
    server["token_endpoint"], grant_type=EXCHANGE, subject_token=subject, subject_token_type=ACCESS_TOKEN
)
assert exchanged["issued_token_type"] == ACCESS_TOKEN
assert service.get(env["RESOURCE"]).status_code == 200
front.revoke_token(server["revocation_endpoint"], token=subject).raise_for_status()
assert service.get(env["RESOURCE"]).status_code == 401
print("ok")
