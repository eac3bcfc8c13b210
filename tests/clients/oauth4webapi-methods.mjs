// oauth4webapi with each method of client authentication, with pushed requests and DPoP, as a device, and for a token exchange.
// Each walks from the metadata over userinfo and data to a revoked token. Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { allow } from './person.mjs'
import { administrator, register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']
const insecure = { [oauth.allowInsecureRequests]: true }

const issuer = new URL(SERVER)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))

async function authorized(client, authentication, { pushes, options }) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  let parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: scopes.join(' '),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  if (pushes) {
    const answer = await oauth.pushedAuthorizationRequest(server, client, authentication, parameters, options)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, answer)
    parameters = new URLSearchParams({ client_id: client.client_id, request_uri })
  }
  const back = await allow(`${server.authorization_endpoint}?${parameters}`, USERNAME, PASSWORD)
  const given = oauth.validateAuthResponse(server, client, back, state)
  const exchange = [server, client, authentication, given, REDIRECT_URI, verifier, options]
  const answer = await oauth.authorizationCodeGrantRequest(...exchange)
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(server, answer, insecure)
  return tokens
}

const read = (token, options) => oauth.protectedResourceRequest(token, 'GET', new URL(RESOURCE), undefined, null, options)

async function revoked(client, authentication, tokens, options) {
  assert.equal((await read(tokens.access_token, options)).status, 200)
  const refresh = () => oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, options)
  const renewed = await oauth.processRefreshTokenResponse(server, client, await refresh())
  assert.equal((await read(renewed.access_token, options)).status, 200)
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, renewed.refresh_token, insecure),
  )
  const again = refresh().then((answer) => oauth.processRefreshTokenResponse(server, client, answer))
  await assert.rejects(again, { error: 'invalid_grant' })
  await assert.rejects(read(renewed.access_token, options), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

async function walk(client, authentication, { pushes, options = insecure } = {}) {
  const tokens = await authorized(client, authentication, { pushes, options })
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const told = await oauth.userInfoRequest(server, client, tokens.access_token, options)
  const person = await oauth.processUserInfoResponse(server, client, sub, told)
  assert.equal(person.preferred_username, USERNAME)
  await revoked(client, authentication, tokens, options)
}

const confidential = await register({ scopes })
const front = { client_id: confidential.clientId }
await walk(front, oauth.ClientSecretBasic(confidential.clientSecret))
await walk(front, oauth.ClientSecretPost(confidential.clientSecret))

const proving = await register({ scopes, tokenEndpointAuthMethod: 'client_secret_jwt' })
await walk({ client_id: proving.clientId }, oauth.ClientSecretJwt(proving.clientSecret))
await walk({ client_id: proving.clientId }, oauth.ClientSecretJwt(proving.clientSecret), { pushes: true })

const kind = { scopes, clientType: 'public', grantTypes: ['authorization_code', 'refresh_token', DEVICE] }
const installed = { client_id: (await register(kind)).clientId }
await walk(installed, oauth.None())

for (const alg of ['Ed25519', 'ES256', 'RS256', 'PS256']) {
  const { publicKey, privateKey } = await oauth.generateKeyPair(alg, { extractable: true })
  const { alg: _, key_ops: __, ext: ___, ...jwk } = await crypto.subtle.exportKey('jwk', publicKey)
  const jwks = { keys: [{ ...jwk, kid: 'first' }] }
  const keyed = await register({ scopes, tokenEndpointAuthMethod: 'private_key_jwt', jwks })
  const client = { client_id: keyed.clientId }
  const authentication = oauth.PrivateKeyJwt({ key: privateKey, kid: 'first' })
  await walk(client, authentication)
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(alg))
  await walk(client, authentication, { pushes: true, options: { ...insecure, DPoP } })
}

const asked = await oauth.deviceAuthorizationRequest(server, installed, oauth.None(), { scope: 'api.access.odata' }, insecure)
const codes = await oauth.processDeviceAuthorizationResponse(server, installed, asked)
await allow(codes.verification_uri_complete, USERNAME, PASSWORD)
const polled = await oauth.deviceCodeGrantRequest(server, installed, oauth.None(), codes.device_code, insecure)
await revoked(installed, oauth.None(), await oauth.processDeviceCodeResponse(server, installed, polled), insecure)

const authentication = oauth.ClientSecretBasic(confidential.clientSecret)
const tokens = await authorized(front, authentication, { options: insecure })
const policy = { clients: [confidential.clientId], impersonation: false, delegation: true }
const registered = await register({ grantTypes: [EXCHANGE], tokenExchange: policy }, administrator)
const service = { client_id: registered.clientId }
const subject = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN, scope: 'api.access.odata' }
const own = oauth.ClientSecretPost(registered.clientSecret)
const answer = await oauth.genericTokenEndpointRequest(server, service, own, EXCHANGE, subject, insecure)
const exchanged = await oauth.processGenericTokenEndpointResponse(server, service, answer)
assert.equal((await read(exchanged.access_token, insecure)).status, 200)
const inspected = await oauth.introspectionRequest(server, service, own, exchanged.access_token, insecure)
const shown = await oauth.processIntrospectionResponse(server, service, inspected)
assert.equal(shown.act.sub, registered.clientId)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, service, own, exchanged.access_token, insecure),
)
await assert.rejects(read(exchanged.access_token, insecure), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
console.log('ok')
