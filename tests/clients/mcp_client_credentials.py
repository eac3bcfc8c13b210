"""The providers of the Python package mcp for programs without a user: with a secret, and with a private key. Each walks from a
401 through discovery to rows, and renews its access. Prints "ok" at the end."""

import os

import anyio
import httpx2
import requests
from joserfc.jwk import ECKey, OKPKey, RSAKey
from mcp.client.auth import OAuthFlowError, OAuthTokenError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
    static_assertion_provider,
)

from mcp_storage import Memory, refused
from register import register

env = os.environ
server_url = env["RESOURCE"].rsplit("/", 1)[0]
issuer = env["SERVER"]
SCOPE = "api.access.odata"


def with_secret(application, **more):
    more = {"client_secret": application["clientSecret"], "issuer": issuer, **more}
    return ClientCredentialsOAuthProvider(server_url, Memory(), application["clientId"], **more)


def with_key(client_id, assertion_provider, **more):
    return PrivateKeyJWTOAuthProvider(server_url, Memory(), client_id, assertion_provider, issuer=issuer, **more)


def signing(client_id, key, algorithm):
    pem = key.as_pem(private=True).decode()
    parameters = SignedJWTParameters(
        issuer=client_id, subject=client_id, signing_key=pem, signing_algorithm=algorithm
    )
    return parameters.create_assertion_provider()


async def read(client):
    rows = await client.get(env["RESOURCE"])
    assert rows.status_code == 200, rows.text
    assert rows.json()["value"] == [{"Id": 1, "Name": "rope"}]


async def walk(provider):
    """The provider gets a token, and another one when the first is over."""
    storage = provider.context.storage
    async with httpx2.AsyncClient(auth=provider) as client:
        await read(client)
        first = storage.tokens
        assert first.refresh_token is None
        await read(client)
        assert storage.tokens is first, "a token that is valid is used again"
        provider.context.token_expiry_time = 1
        await read(client)
        assert storage.tokens.access_token != first.access_token


async def ended(provider, application):
    """A client whose token was revoked learns it from the 401, and gets another one."""
    storage = provider.context.storage
    async with httpx2.AsyncClient(auth=provider) as client:
        await read(client)
        first = storage.tokens.access_token
        endpoint = str(provider.context.oauth_metadata.revocation_endpoint)
        form = {"token": first, "client_id": application["clientId"], "client_secret": application["clientSecret"]}
        assert requests.post(endpoint, data=form).status_code == 200
        assert requests.get(env["RESOURCE"], headers={"Authorization": "Bearer " + first}).status_code == 401
        await read(client)
        assert storage.tokens.access_token != first


async def main():
    service = register(grantTypes=["client_credentials"])
    for method in ["client_secret_basic", "client_secret_post"]:
        await walk(with_secret(service, token_endpoint_auth_method=method))
        await walk(with_secret(service, token_endpoint_auth_method=method, scope=SCOPE))
    await ended(with_secret(service), service)

    keys = {
        "RS256": RSAKey.generate_key(2048),
        "PS256": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "ES384": ECKey.generate_key("P-384"),
        "EdDSA": OKPKey.generate_key("Ed25519"),
    }
    for algorithm, key in keys.items():
        client_id = keyed(key)
        await walk(with_key(client_id, signing(client_id, key, algorithm)))
        await walk(with_key(client_id, signing(client_id, key, algorithm), scope=SCOPE))

    wrong = with_secret(service, client_secret=service["clientSecret"] + "0")
    await refused(wrong, OAuthTokenError, "invalid_client")
    key = ECKey.generate_key("P-256")
    client_id = keyed(key)
    stranger = signing(client_id, ECKey.generate_key("P-256"), "ES256")
    await refused(with_key(client_id, stranger), OAuthTokenError, "invalid_client")
    elsewhere = static_assertion_provider(await signing(client_id, key, "ES256")("https://elsewhere.example.com"))
    await refused(with_key(client_id, elsewhere), OAuthTokenError, "invalid_client")

    once = static_assertion_provider(await signing(client_id, key, "ES256")(issuer))
    async with httpx2.AsyncClient(auth=with_key(client_id, once)) as client:
        await read(client)
    await refused(with_key(client_id, once), OAuthTokenError, "invalid_client")

    # Credentials of another server are not sent to this one.
    await refused(with_secret(service, issuer="https://elsewhere.example.com"), OAuthFlowError, "elsewhere")


def keyed(key):
    jwks = {"keys": [key.as_dict(private=False)]}
    method = "private_key_jwt"
    return register(grantTypes=["client_credentials"], tokenEndpointAuthMethod=method, jwks=jwks)["clientId"]


anyio.run(main)
print("ok")
