"""The OAuth client of the Python package mcp: from a 401 through discovery, registration and consent to rows. With
SITE_CERTIFICATE it identifies itself by the URL of its metadata document instead of registering."""

import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

from mcp_storage import Memory
from person import allow

env = os.environ
server_url = env["RESOURCE"].rsplit("/", 1)[0]


class Site(BaseHTTPRequestHandler):
    """Publishes the metadata document of the client."""

    document = {}

    def do_GET(self):
        body = json.dumps(self.document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def published(metadata):
    """Publishes the metadata on this machine and returns the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(env["SITE_CERTIFICATE"], env["SITE_KEY"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://localhost:{server.server_port}/agent.json"
    Site.document = {"client_id": url, **metadata.model_dump(mode="json", exclude_none=True)}
    return url


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
