// The whole flow with the npm package oauth4webapi, as a public client. Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { allow } from './person.mjs'

const { SERVER, PUBLIC_CLIENT_ID, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const insecure = { [oauth.allowInsecureRequests]: true }

const issuer = new URL(SERVER)
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
const server = await oauth.processDiscoveryResponse(issuer, found)
const client = { client_id: PUBLIC_CLIENT_ID }
const nobody = oauth.None()

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const address = new URL(server.authorization_endpoint)
address.search = new URLSearchParams({
  client_id: client.client_id,
  redirect_uri: REDIRECT_URI,
  response_type: 'code',
  scope: 'api.access.odata',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
})
const back = await allow(address.href, USERNAME, PASSWORD)
const parameters = oauth.validateAuthResponse(server, client, back, state)
const exchange = () =>
  oauth.authorizationCodeGrantRequest(server, client, nobody, parameters, REDIRECT_URI, verifier, insecure)
const tokens = await oauth.processAuthorizationCodeResponse(server, client, await exchange())

const read = await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(RESOURCE), undefined, undefined, insecure)
assert.equal(read.status, 200)

const refresh = async (token) =>
  oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(server, client, nobody, token, insecure))
const second = await refresh(tokens.refresh_token)
assert.notEqual(second.refresh_token, tokens.refresh_token, 'a public client rotates')
const again = await refresh(tokens.refresh_token)
assert.equal(again.refresh_token, second.refresh_token, 'a lost answer gives the identical successor')
await refresh(second.refresh_token)
await assert.rejects(refresh(tokens.refresh_token), { error: 'invalid_grant' })
await assert.rejects(refresh(second.refresh_token), { error: 'invalid_grant' }, 'the family has ended')
console.log('ok')
