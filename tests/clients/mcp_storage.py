"""What clients of the package mcp store and publish, and the person who allows them."""

import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from mcp.client.auth import AuthorizationCodeResult, TokenStorage

from person import allow


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
    asked = ""

    async def redirect(self, address):
        self.asked = address
        name, password = os.environ["USERNAME"], os.environ["PASSWORD"]
        self.back = await anyio.to_thread.run_sync(allow, address, name, password)

    async def callback(self):
        query = dict(parse_qsl(urlsplit(self.back).query))
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])


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
    context.load_cert_chain(os.environ["SITE_CERTIFICATE"], os.environ["SITE_KEY"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://localhost:{server.server_port}/agent.json"
    Site.document = {"client_id": url, **metadata.model_dump(mode="json", exclude_none=True)}
    return url


async def refused(provider, error, reason):
    """The provider gets no access, for this reason."""
    async with httpx2.AsyncClient(auth=provider) as client:
        try:
            rows = await client.get(os.environ["RESOURCE"])
        except error as refusal:
            assert reason in str(refusal), refusal
            return
        raise AssertionError(f"not refused: {rows.status_code}")
