"""Enterprise-managed authorization with the Python package mcp: joserfc signs for the identity provider, and the client presents
the identity assertion (ID-JAG). It walks from a 401 to rows, and renews its access. Prints "ok" at the end."""

import os
import time
import uuid

import anyio
import httpx2
import requests
from joserfc import jwt
from joserfc.jwk import ECKey
from mcp.client.auth import OAuthFlowError, OAuthTokenError
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider

from mcp_storage import Memory, refused
from register import administrator, register

env = os.environ
server_url = env["RESOURCE"].rsplit("/", 1)[0]
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "api.access.odata"


class IdentityProvider:
    """Signs for an employee, as the identity provider of the enterprise would after a sign-in."""

    issuer = "https://idp.example.com"

    def __init__(self):
        self.key = ECKey.generate_key("P-256", {"kid": "idp"})
        self.signed = 0

    def trusted(self):
        payload = {
            "issuer": self.issuer,
            "jwks": {"keys": [self.key.as_dict(private=False)]},
            "purposes": ["identity_assertion"],
            "clients": ["*"],
            "subjects": {"employee-7": env["USERNAME"]},
        }
        answer = requests.post(env["SERVER"] + "/api/admin/trustedissuers", json=payload, auth=administrator)
        assert answer.status_code == 201, answer.text

    def assertions_for(self, client_id, changed={}):
        """What signs a new assertion for the client each time it needs one."""

        async def sign(audience, resource):
            self.signed += 1
            now = int(time.time())
            claims = {
                "iss": self.issuer,
                "sub": "employee-7",
                "aud": audience,
                "client_id": client_id,
                "resource": resource,
                "scope": SCOPE,
                "jti": str(uuid.uuid4()),
                "iat": now,
                "exp": now + 300,
                **changed,
            }
            header = {"alg": "ES256", "kid": "idp", "typ": "oauth-id-jag+jwt"}
            return jwt.encode(header, claims, self.key, algorithms=["ES256"])

        return sign


def presenting(application, assertion_provider, **more):
    more = {"client_secret": application["clientSecret"], "issuer": env["SERVER"], **more}
    return IdentityAssertionOAuthProvider(
        server_url, Memory(), application["clientId"], assertion_provider=assertion_provider, **more
    )


async def read(client):
    rows = await client.get(env["RESOURCE"])
    assert rows.status_code == 200, rows.text
    assert rows.json()["value"] == [{"Id": 1, "Name": "rope"}]


async def walk(idp, application, **more):
    """One assertion serves as long as its token; afterwards, the client fetches another one."""
    before = idp.signed
    provider = presenting(application, idp.assertions_for(application["clientId"]), **more)
    async with httpx2.AsyncClient(auth=provider) as client:
        await read(client)
        first = provider._storage.tokens
        assert first.refresh_token is None and first.scope == SCOPE
        await read(client)
        assert idp.signed == before + 1

        form = {"token": first.access_token, "client_id": application["clientId"]}
        form["client_secret"] = application["clientSecret"]
        metadata = requests.get(env["SERVER"] + "/.well-known/openid-configuration").json()
        assert requests.post(metadata["revocation_endpoint"], data=form).status_code == 200
        await read(client)
        assert idp.signed == before + 2
        assert provider._storage.tokens.access_token != first.access_token


async def main():
    idp = IdentityProvider()
    application = register(grantTypes=[GRANT])
    client_id = application["clientId"]

    untrusted = presenting(application, idp.assertions_for(client_id))
    await refused(untrusted, OAuthTokenError, "invalid_grant")
    idp.trusted()
    for method in ["client_secret_post", "client_secret_basic"]:
        await walk(idp, application, token_endpoint_auth_method=method)
        await walk(idp, application, token_endpoint_auth_method=method, scope=SCOPE)

    stranger = IdentityProvider()
    await refused(presenting(application, stranger.assertions_for(client_id)), OAuthTokenError, "invalid_grant")
    changes = [
        {"sub": "employee-8"},
        {"aud": "https://elsewhere.example.com"},
        {"client_id": "another"},
        {"resource": "https://elsewhere.example.com/mcp"},
        {"exp": int(time.time()) - 3600},
    ]
    for changed in changes:
        broken = presenting(application, idp.assertions_for(client_id, changed))
        await refused(broken, OAuthTokenError, "invalid_grant")
    wrong = presenting(application, idp.assertions_for(client_id), client_secret=application["clientSecret"] + "0")
    await refused(wrong, OAuthTokenError, "invalid_client")

    # An assertion is used once, by whomever.
    presented = await idp.assertions_for(client_id)(env["SERVER"], server_url)

    async def again(_audience, _resource):
        return presented

    async with httpx2.AsyncClient(auth=presenting(application, again)) as client:
        await read(client)
    await refused(presenting(application, again), OAuthTokenError, "invalid_grant")

    # The assertion is not sent to a server whose metadata are of another issuer.
    other = presenting(application, again, issuer=env["SERVER"].replace("127.0.0.1", "localhost"))
    await refused(other, OAuthFlowError, "issuer")


anyio.run(main)
print("ok")
