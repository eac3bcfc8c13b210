"""The OAuth client of the Python package mcp: from a 401 through discovery, registration and consent to rows. With
SITE_CERTIFICATE it identifies itself by the URL of its metadata document instead of registering."""

import os
import ssl

import anyio
import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

from mcp_storage import Memory, Person, published

env = os.environ
server_url = env["RESOURCE"].rsplit("/", 1)[0]


async def main():
    person, storage = Person(), Memory()
    metadata = OAuthClientMetadata(
        client_name="An agent",
        redirect_uris=[env["REDIRECT_URI"]],
        token_endpoint_auth_method="none",
    )
    url = published(metadata) if "SITE_CERTIFICATE" in env else None
    provider = OAuthClientProvider(
        server_url=server_url,
        client_metadata=metadata,
        client_metadata_url=url,
        storage=storage,
        redirect_handler=person.redirect,
        callback_handler=person.callback,
    )
    trusted = ssl.create_default_context(cafile=env.get("TRUSTED"))
    async with httpx2.AsyncClient(auth=provider, verify=trusted) as client:
        rows = await client.get(env["RESOURCE"])
        assert rows.status_code == 200, rows.text
        assert rows.json()["value"] == [{"Id": 1, "Name": "rope"}]
        assert url is None or storage.client.client_id == url
        first = storage.tokens
        provider.context.token_expiry_time = 1
        assert (await client.get(env["RESOURCE"])).status_code == 200
        assert storage.tokens.access_token != first.access_token, "refreshed"
        assert storage.tokens.refresh_token != first.refresh_token, "public clients rotate"
        # It ends the access at the address that the metadata name.
        endpoint = str(provider.context.oauth_metadata.revocation_endpoint)
        form = {"token": storage.tokens.refresh_token, "client_id": storage.client.client_id}
    async with httpx2.AsyncClient(verify=trusted) as plain:
        assert (await plain.post(endpoint, data=form)).status_code == 200
        headers = {"Authorization": "Bearer " + storage.tokens.access_token}
        assert (await plain.get(env["RESOURCE"], headers=headers)).status_code == 401


anyio.run(main)
print("ok")
