"""The client of the Python package mcp, which knows nothing but the address of an MCP server: from a 401 through discovery,
registration and consent to rows, in the newest revision of the protocol and with the handshake of earlier ones. With SITE_CERTIFICATE
it identifies itself by the URL of its metadata document."""

import os
import ssl
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from mcp_storage import Memory, Person, published

env = os.environ
TOOLS = ["list_entities", "describe_entity", "query", "get", "aggregate"]


async def walk(address, mode, tools, more):
    """From the first 401 to rows."""
    person, storage = Person(), Memory()
    metadata = OAuthClientMetadata(
        client_name="An agent",
        redirect_uris=[env["REDIRECT_URI"]],
        token_endpoint_auth_method="none",
    )
    provider = OAuthClientProvider(
        server_url=address,
        client_metadata=metadata,
        client_metadata_url=published(metadata) if "SITE_CERTIFICATE" in env else None,
        storage=storage,
        redirect_handler=person.redirect,
        callback_handler=person.callback,
    )
    trusted = ssl.create_default_context(cafile=env.get("TRUSTED"))
    async with httpx2.AsyncClient(auth=provider, verify=trusted) as http_client:
        transport = streamable_http_client(address, http_client=http_client)
        async with Client(transport, mode=mode) as client:
            asked = dict(parse_qsl(urlsplit(person.asked).query))
            # The package adds offline_access where the server supports it.
            assert asked["scope"].split()[0] == "mcp.read" and asked["resource"] == address, asked
            listed = (await client.list_tools()).tools
            assert [tool.name for tool in listed] == tools, listed
            assert all(tool.annotations.read_only_hint for tool in listed)
            # The package checks each result by the schema of its tool.
            queried = await client.call_tool("query", {"entity": "Items", "filter": "contains(Name,'o')", **more})
            assert not queried.is_error, queried
            rows = queried.structured_content
            assert (rows["rows"], rows["total"], rows["next"]) == ([{"Id": 1, "Name": "rope"}], 1, None), rows
            described = await client.call_tool("describe_entity", {"entity": "Items", **more})
            assert described.structured_content["key"] == ["Id"], described
            got = await client.call_tool("get", {"entity": "Items", "key": {"Id": 1}, **more})
            assert got.structured_content["row"]["Name"] == "rope", got
            counted = await client.call_tool("aggregate", {"entity": "Items", "aggregates": [{"op": "count"}], **more})
            assert counted.structured_content["groups"] == [{"count": 1}], counted
            wrong = await client.call_tool("query", {"entity": "items", **more})
            assert wrong.is_error and "did you mean Items?" in wrong.content[0].text, wrong
            try:
                await client.call_tool("execute_sql", {})
                raise AssertionError("there is no such tool")
            except MCPError as refused:
                assert refused.error.code == -32602, refused
    # The token is for the tools only.
    async with httpx2.AsyncClient(verify=trusted) as plain:
        headers = {"Authorization": "Bearer " + storage.tokens.access_token}
        assert (await plain.get(env["RESOURCE"], headers=headers)).status_code in (401, 403)


async def main():
    address = env["SERVER"] + "/mcp"
    await walk(address + "/shop", "auto", TOOLS, {})
    await walk(address + "/shop", "legacy", TOOLS, {})
    await walk(address, "auto", ["list_sources", *TOOLS], {"source": "shop"})


anyio.run(main)
print("ok")
