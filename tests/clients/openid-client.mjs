// The whole flow with the npm package openid-client. Arguments come as environment variables; prints "ok" at the end.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { allow } from './person.mjs'

const { SERVER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env

const config = await client.discovery(new URL(SERVER), CLIENT_ID, CLIENT_SECRET, undefined, {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
})
assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true)

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: 'api.access.odata',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
})
const back = await allow(address.href, USERNAME, PASSWORD)
const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })
assert.equal(tokens.token_type, 'bearer')
assert.equal(tokens.scope, 'api.access.odata')
assert.equal(tokens.expires_in, 3600)

const read = await client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET')
assert.equal(read.status, 200)

const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
assert.notEqual(renewed.access_token, tokens.access_token)

const told = await client.tokenIntrospection(config, renewed.access_token)
assert.equal(told.active, true)
assert.equal(told.username, USERNAME)

await client.tokenRevocation(config, renewed.refresh_token)
assert.equal((await client.tokenIntrospection(config, renewed.access_token)).active, false)
await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token), { error: 'invalid_grant' })
await assert.rejects(
  client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }),
  { error: 'invalid_grant' },
)

const service = await client.clientCredentialsGrant(config, { scope: 'api.access.odata' })
assert.equal(service.refresh_token, undefined)
console.log('ok')
