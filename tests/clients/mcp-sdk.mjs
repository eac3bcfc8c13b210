// The OAuth client of the npm package @modelcontextprotocol/sdk, which knows nothing but the address of the data: from a
// 401 through discovery, registration and consent to rows. With SITE_CERTIFICATE it identifies itself by the URL of its metadata
// document instead of registering. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { auth, discoverAuthorizationServerMetadata, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js'
import { providing, site } from './agent.mjs'
import { allow } from './person.mjs'

const { SERVER, USERNAME, PASSWORD, RESOURCE } = process.env
const serverUrl = RESOURCE.slice(0, RESOURCE.lastIndexOf('/'))

const stored = {}
const provider = providing(stored)
const read = () => fetch(RESOURCE, { headers: { authorization: `Bearer ${stored.tokens.access_token}` } })

const refused = await fetch(RESOURCE)
assert.equal(refused.status, 401)
const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(refused)
assert.ok(resourceMetadataUrl, 'the challenge names the metadata of the resource')
assert.ok(!scope.includes('offline_access'))

assert.equal(await auth(provider, { serverUrl, resourceMetadataUrl, scope }), 'REDIRECT')
const back = await allow(stored.address.href, USERNAME, PASSWORD)
assert.equal(back.searchParams.get('state'), 'a-state')
const authorizationCode = back.searchParams.get('code')
assert.equal(await auth(provider, { serverUrl, resourceMetadataUrl, scope, authorizationCode }), 'AUTHORIZED')
assert.equal(stored.client.client_id === provider.clientMetadataUrl, Boolean(site))
const rows = await read()
assert.equal(rows.status, 200)
assert.deepEqual((await rows.json()).value, [{ Id: 1, Name: 'rope' }])

const first = stored.tokens
assert.equal(await auth(provider, { serverUrl, resourceMetadataUrl, scope }), 'AUTHORIZED')
assert.notEqual(stored.tokens.access_token, first.access_token)
assert.notEqual(stored.tokens.refresh_token, first.refresh_token, 'public clients rotate')
assert.equal((await read()).status, 200)

// It ends the access at the address that the metadata name.
const metadata = await discoverAuthorizationServerMetadata(SERVER)
const body = new URLSearchParams({ token: stored.tokens.refresh_token, client_id: stored.client.client_id })
assert.equal((await fetch(metadata.revocation_endpoint, { method: 'POST', body })).status, 200)
assert.equal((await read()).status, 401)
if (site) assert.deepEqual(site.requests, ['/agent.json'], 'the document is fetched once')
console.log('ok')
