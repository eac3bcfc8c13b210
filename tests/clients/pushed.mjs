// Pushed authorization requests, answers by a posted form, and signed access tokens with openid-client and jose. Prints "ok"
// at the end.

import assert from 'node:assert/strict'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const application = await register({ profile: 'oauth21', tokenFormat: 'jwt', accessTokenSigningAlg: 'ES256' })
const config = await client.discovery(new URL(SERVER), application.clientId, application.clientSecret, undefined, {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
})

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const address = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: REDIRECT_URI,
  scope: 'api.access.odata',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
})
assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri'])
const back = await allow(address.href, USERNAME, PASSWORD)
const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })

const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, { issuer: SERVER, typ: 'at+jwt' })
assert.equal(protectedHeader.alg, 'ES256')
assert.equal(payload.client_id, application.clientId)
assert.equal(payload.scope, 'api.access.odata')

const read = await client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET')
assert.equal(read.status, 200)
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
await client.tokenRevocation(config, renewed.access_token)
const ended = await fetch(RESOURCE, { headers: { authorization: `Bearer ${renewed.access_token}` } })
assert.equal(ended.status, 401)
console.log('ok')
