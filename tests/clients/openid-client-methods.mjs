// openid-client with each method of client authentication, with pushed requests and DPoP, and for a token exchange. Each walks
// from the metadata over userinfo and data to a revoked token. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { administrator, register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']

const discovered = (id, secret, authentication) =>
  client.discovery(new URL(SERVER), id, secret, authentication, { execute: [client.allowInsecureRequests] })

async function authorized(config, { pushes, DPoP } = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const parameters = {
    redirect_uri: REDIRECT_URI,
    scope: scopes.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  const address = pushes
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters)
  const back = await allow(address.href, USERNAME, PASSWORD)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
}

async function walk(config, { pushes, DPoP, rotates } = {}) {
  const tokens = await authorized(config, { pushes, DPoP })
  assert.equal(tokens.token_type, DPoP ? 'dpop' : 'bearer')
  const { sub } = tokens.claims()
  const person = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })
  assert.equal(person.preferred_username, USERNAME)

  const read = async (token) => {
    const answer = await client.fetchProtectedResource(config, token, new URL(RESOURCE), 'GET', null, undefined, { DPoP })
    assert.deepEqual((await answer.json()).value, [{ Id: 1, Name: 'rope' }])
  }
  await read(tokens.access_token)
  if (DPoP) {
    const plain = await fetch(RESOURCE, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    assert.equal(plain.status, 401, 'a bound token is no bearer token')
  }
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal(renewed.refresh_token !== tokens.refresh_token, rotates ?? false)
  await read(renewed.access_token)
  await client.tokenRevocation(config, renewed.refresh_token)
  const refused = { error: 'invalid_grant' }
  await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token, undefined, { DPoP }), refused)
  await assert.rejects(read(renewed.access_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

const confidential = await register({ scopes })
await walk(await discovered(confidential.clientId, confidential.clientSecret, client.ClientSecretBasic()))
await walk(await discovered(confidential.clientId, confidential.clientSecret, client.ClientSecretPost()))

const proving = await register({ scopes, tokenEndpointAuthMethod: 'client_secret_jwt' })
const proved = await discovered(proving.clientId, proving.clientSecret, client.ClientSecretJwt())
await walk(proved)
await walk(proved, { pushes: true })

const installed = await register({ scopes, clientType: 'public', grantTypes: ['authorization_code', 'refresh_token'] })
await walk(await discovered(installed.clientId, undefined, client.None()), { rotates: true })

for (const alg of ['EdDSA', 'ES256', 'RS256', 'PS256', 'ES384', 'ES512', 'RS512', 'PS384']) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const keyed = await register({
    scopes,
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'first' }] },
  })
  const authentication = client.PrivateKeyJwt({ key: privateKey, kid: 'first' })
  const config = await discovered(keyed.clientId, { token_endpoint_auth_signing_alg: alg }, authentication)
  await walk(config)
  const pair = await client.randomDPoPKeyPair(alg)
  await walk(config, { pushes: true, DPoP: client.getDPoPHandle(config, pair) })
}

const policy = { clients: [confidential.clientId], impersonation: false, delegation: true }
const service = await register({ grantTypes: [EXCHANGE], tokenExchange: policy }, administrator)
const front = await discovered(confidential.clientId, confidential.clientSecret)
const tokens = await authorized(front)
const behind = await discovered(service.clientId, service.clientSecret)
const exchanged = await client.genericGrantRequest(behind, EXCHANGE, {
  subject_token: tokens.access_token,
  subject_token_type: ACCESS_TOKEN,
  scope: 'api.access.odata',
})
assert.equal(exchanged.issued_token_type, ACCESS_TOKEN)
const shown = await client.tokenIntrospection(behind, exchanged.access_token)
assert.equal(shown.act.sub, service.clientId)
const answer = await client.fetchProtectedResource(behind, exchanged.access_token, new URL(RESOURCE), 'GET')
assert.equal(answer.status, 200)
await client.tokenRevocation(front, tokens.refresh_token)
assert.equal((await client.tokenIntrospection(behind, exchanged.access_token)).active, false)
console.log('ok')
