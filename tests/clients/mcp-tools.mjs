// The client of the npm package @modelcontextprotocol/sdk, which knows nothing but the address of an MCP server: from a 401
// through discovery, registration and consent to rows. With SITE_CERTIFICATE it identifies itself by the URL of its metadata
// document. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { providing, site } from './agent.mjs'
import { allow } from './person.mjs'

const { SERVER, USERNAME, PASSWORD, RESOURCE } = process.env
const TOOLS = ['list_entities', 'describe_entity', 'query', 'get', 'aggregate']

async function walk(address, tools, more) {
  const stored = {}
  const authProvider = providing(stored)
  const opening = () => new StreamableHTTPClientTransport(new URL(address), { authProvider })
  const client = new Client({ name: 'test', version: '1' })
  const first = opening()
  await assert.rejects(client.connect(first), UnauthorizedError)
  assert.equal(stored.address.searchParams.get('scope'), 'mcp.read')
  assert.equal(stored.address.searchParams.get('resource'), address)
  const back = await allow(stored.address.href, USERNAME, PASSWORD)
  await first.finishAuth(back.searchParams.get('code'))

  await client.connect(opening())
  const listed = (await client.listTools()).tools
  assert.deepEqual(listed.map((tool) => tool.name), tools)
  assert.ok(listed.every((tool) => tool.annotations.readOnlyHint))
  // The package checks each result by the schema of its tool.
  const call = async (name, args) => client.callTool({ name, arguments: { ...args, ...more } })
  const queried = await call('query', { entity: 'Items', select: ['Name'], orderby: 'Id desc' })
  assert.deepEqual(queried.structuredContent.rows, [{ Name: 'rope' }])
  assert.equal(queried.structuredContent.total, 1)
  const got = await call('get', { entity: 'Items', key: { Id: 1 } })
  assert.deepEqual(got.structuredContent.row, { Id: 1, Name: 'rope' })
  const aggregates = [{ op: 'max', property: 'Id', as: 'Last' }]
  const grouped = await call('aggregate', { entity: 'Items', groupby: ['Name'], aggregates })
  assert.deepEqual(grouped.structuredContent.groups, [{ Name: 'rope', Last: 1 }])
  const entities = await call('list_entities', {})
  assert.deepEqual(entities.structuredContent.entities, [{ name: 'Items', properties: 2 }])
  const described = await call('describe_entity', { entity: 'Items' })
  assert.deepEqual(described.structuredContent.key, ['Id'])
  const wrong = await call('query', { entity: 'Items', filter: 'name eq 1' })
  assert.ok(wrong.isError && wrong.content[0].text.includes('did you mean Name?'), JSON.stringify(wrong))
  await client.ping()
  await client.close()

  // The token is for the tools only.
  const elsewhere = await fetch(RESOURCE, { headers: { authorization: `Bearer ${stored.tokens.access_token}` } })
  assert.ok([401, 403].includes(elsewhere.status))
}

await walk(`${SERVER}/mcp/shop`, TOOLS, {})
await walk(`${SERVER}/mcp`, ['list_sources', ...TOOLS], { source: 'shop' })
console.log('ok')
