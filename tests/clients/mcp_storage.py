"""The tokens of a client of the package mcp, in memory."""

import os

import httpx2
from mcp.client.auth import TokenStorage


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


async def refused(provider, error, reason):
    """The provider gets no access, for this reason."""
    async with httpx2.AsyncClient(auth=provider) as client:
        try:
            rows = await client.get(os.environ["RESOURCE"])
        except error as refusal:
            assert reason in str(refusal), refusal
            return
        raise AssertionError(f"not refused: {rows.status_code}")
