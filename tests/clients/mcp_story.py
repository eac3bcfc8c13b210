"""The OAuth client of the Python package mcp: from a 401 through discovery, registration and consent to rows."""

import os
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, TokenStorage
from mcp.shared.auth import OAuthClientMetadata

from person import allow

env = os.environ
server_url = env["RESOURCE"].rsplit("/", 1)[0]


class Memory(TokenStorage):
    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Person:
    """Follows the address and answers where the browser goes back to."""

    back = None

    async def redirect(self, address):
        self.back = await anyio.to_thread.run_sync(allow, address, env["USERNAME"], env["PASSWORD"])

    async def callback(self):
        query = dict(parse_qsl(urlsplit(self.back).query))
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])


async def main():
    person, storage = Person(), Memory()
    provider = OAuthClientProvider(
        server_url=server_url,
        client_metadata=OAuthClientMetadata(
            client_name="An agent",
            redirect_uris=[env["REDIRECT_URI"]],
            token_endpoint_auth_method="none",
        ),
        storage=storage,
        redirect_handler=person.redirect,
        callback_handler=person.callback,
    )
    async with httpx2.AsyncClient(auth=provider) as client:
        rows = await client.get(env["RESOURCE"])
        assert rows.status_code == 200, rows.text
        assert rows.json()["value"] == [{"Id": 1, "Name": "rope"}]
        first = storage.tokens
        provider.context.token_expiry_time = 1
        assert (await client.get(env["RESOURCE"])).status_code == 200
        assert storage.tokens.access_token != first.access_token, "refreshed"
        assert storage.tokens.refresh_token != first.refresh_token, "public clients rotate"


anyio.run(main)
print("ok")
