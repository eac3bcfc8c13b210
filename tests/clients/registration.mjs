// Clients that register themselves with the npm package openid-client, with and without an initial access token, walk the
// whole flow, and read, replace and delete their registration (RFC 7592). Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { initialAccessToken, isOpen } from './initial-access-token.mjs'
import { allow } from './person.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env

const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }

async function register(members, token, authentication) {
  const metadata = { client_name: 'Harbour Agent', redirect_uris: [REDIRECT_URI], ...members }
  return client.dynamicClientRegistration(new URL(SERVER), metadata, authentication, { ...options, initialAccessToken: token })
}

async function walk(config, scope) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  })
  const back = await allow(address.href, USERNAME, PASSWORD)
  const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })
  const read = await client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET')
  assert.equal(read.status, 200)
  const { sub } = tokens.claims()
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub)).sub, sub)
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(renewed.access_token, tokens.access_token)
  const last = renewed.refresh_token ?? tokens.refresh_token
  await client.tokenRevocation(config, last)
  await assert.rejects(client.refreshTokenGrant(config, last), { error: 'invalid_grant' })
}

async function manage({ registration_client_uri: address, registration_access_token: token, client_id: id }) {
  const send = (method, bearer, body) =>
    fetch(address, {
      method,
      headers: { authorization: `Bearer ${bearer}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    })
  const read = await send('GET', token)
  assert.equal(read.status, 200)
  const { registration_client_uri, registration_access_token, client_id_issued_at, client_secret_expires_at, ...told } =
    await read.json()
  assert.equal(told.client_id, id)
  const replaced = await send('PUT', token, { ...told, client_name: 'Harbour Agent 2' })
  assert.equal(replaced.status, 200, await replaced.clone().text())
  const next = await replaced.json()
  assert.deepEqual([next.client_name, next.redirect_uris], ['Harbour Agent 2', told.redirect_uris])
  assert.equal((await send('GET', token)).status, 401, 'a replaced registration has a new token')
  assert.equal((await send('DELETE', next.registration_access_token)).status, 204)
  assert.equal((await send('GET', next.registration_access_token)).status, 401)
}

const found = await client.discovery(new URL(SERVER), 'nobody', undefined, undefined, options)
const endpoint = found.serverMetadata().registration_endpoint
const scope = 'openid api.access.odata'
const grants = ['authorization_code', 'refresh_token']
const confidential = { token_endpoint_auth_method: 'client_secret_post', grant_types: grants, scope }
const installed = { token_endpoint_auth_method: 'none', grant_types: grants, scope }

const token = await initialAccessToken({ description: 'openid-client', maxUses: 2 })
for (const [members, authentication] of [[confidential], [installed, client.None()]]) {
  const registered = await register(members, token, authentication)
  const metadata = registered.clientMetadata()
  assert.equal(metadata.token_endpoint_auth_method, members.token_endpoint_auth_method)
  await walk(registered, scope)
  await manage(metadata)
}
await assert.rejects(register(installed, token, client.None()), 'the token is used up')

if (await isOpen(endpoint)) {
  await walk(await register(confidential), scope)
  await walk(await register(installed, undefined, client.None()), scope)
} else {
  await assert.rejects(register(installed, undefined, client.None()))
}
console.log('ok')
