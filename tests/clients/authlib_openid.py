"""OpenID Connect with Authlib: an ID token with a nonce, userinfo, refresh. Arguments come as environment variables; prints
"ok" at the end."""

import os

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests  # noqa: E402
from authlib.common.security import generate_token  # noqa: E402
from authlib.integrations.requests_client import OAuth2Session  # noqa: E402
from authlib.jose import JsonWebKey, JsonWebToken  # noqa: E402
from authlib.oidc.core import CodeIDToken  # noqa: E402

from person import allow  # noqa: E402

env = os.environ
server = env["SERVER"]
metadata = requests.get(server + "/.well-known/openid-configuration", timeout=30).json()
application = requests.post(
    server + "/api/mgmt/oauth/client/applications",
    auth=(env["USERNAME"], env["PASSWORD"]),
    json={"name": "Authlib", "redirectUrls": [env["REDIRECT_URI"]], "scopes": ["openid", "profile"]},
    timeout=30,
).json()
session = OAuth2Session(
    application["clientId"],
    application["clientSecret"],
    redirect_uri=env["REDIRECT_URI"],
    scope="openid profile",
    code_challenge_method="S256",
)
verifier, nonce = generate_token(64), generate_token(20)
address, state = session.create_authorization_url(
    metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
)
back = allow(address, env["USERNAME"], env["PASSWORD"])
token = session.fetch_token(
    metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
)


def claims_of(token, nonce):
    """Verifies an ID token as Authlib does for its web integrations."""
    keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
    claims = JsonWebToken(["RS256"]).decode(
        token["id_token"],
        key=keys,
        claims_cls=CodeIDToken,
        claims_options={"iss": {"values": [metadata["issuer"]]}},
        claims_params={
            "nonce": nonce,
            "client_id": application["clientId"],
            "access_token": token["access_token"],
        },
    )
    claims.validate(leeway=30)
    return claims


claims = claims_of(token, nonce)
person = session.get(metadata["userinfo_endpoint"]).json()
assert person["sub"] == claims["sub"] and person["preferred_username"] == env["USERNAME"], person
renewed = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
assert claims_of(renewed, None)["sub"] == claims["sub"]
print("ok")
