// Clients that register themselves with the npm package oauth4webapi, with and without an initial access token, walk the
// whole flow. Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { initialAccessToken, isOpen } from './initial-access-token.mjs'
import { allow } from './person.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const insecure = { [oauth.allowInsecureRequests]: true }
const scope = 'openid api.access.odata'

const issuer = new URL(SERVER)
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
const server = await oauth.processDiscoveryResponse(issuer, found)

async function register(method, token) {
  const metadata = {
    client_name: 'Harbour Agent',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: method,
    scope,
  }
  const answer = await oauth.dynamicClientRegistrationRequest(server, metadata, { ...insecure, initialAccessToken: token })
  return oauth.processDynamicClientRegistrationResponse(answer)
}

async function walk(client, authentication) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const address = new URL(server.authorization_endpoint)
  address.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const back = await allow(address.href, USERNAME, PASSWORD)
  const parameters = oauth.validateAuthResponse(server, client, back, state)
  const exchange = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, REDIRECT_URI, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, exchange, { expectedNonce: nonce, requireIdToken: true })
  const read = await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(RESOURCE), undefined, undefined, insecure)
  assert.equal(read.status, 200)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const details = await oauth.userInfoRequest(server, client, tokens.access_token, insecure)
  assert.equal((await oauth.processUserInfoResponse(server, client, sub, details)).sub, sub)
  const refresh = async (token) =>
    oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, authentication, token, insecure),
    )
  const renewed = await refresh(tokens.refresh_token)
  const last = renewed.refresh_token ?? tokens.refresh_token
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, last, insecure))
  await assert.rejects(refresh(last), { error: 'invalid_grant' })
}

async function registerAndWalk(token) {
  const installed = await register('none', token)
  assert.equal(installed.client_secret, undefined)
  await walk(installed, oauth.None())
  const confidential = await register('client_secret_basic', token)
  await walk(confidential, oauth.ClientSecretBasic(confidential.client_secret))
}

const token = await initialAccessToken({ description: 'oauth4webapi', maxUses: 2 })
await registerAndWalk(token)
await assert.rejects(register('none', token), oauth.WWWAuthenticateChallengeError, 'the token is used up')
if (await isOpen(server.registration_endpoint)) {
  await registerAndWalk(undefined)
} else {
  await assert.rejects(register('none', undefined), oauth.WWWAuthenticateChallengeError)
}
console.log('ok')
