// Signed requests (JAR, by value and pushed) and signed responses (JARM in each response mode) with openid-client. Each walks from
// the metadata over userinfo and data to a revoked token. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']

async function configured(alg, members, metadata) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const key = { key: privateKey, kid: 'first' }
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'first', alg }] }
  const { clientId } = await register({ scopes, tokenEndpointAuthMethod: 'private_key_jwt', jwks, ...members })
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  const config = await client.discovery(new URL(SERVER), clientId, metadata, client.PrivateKeyJwt(key), { execute })
  return { config, key }
}

async function walk({ config, key }, { signs, pushes, responseMode }) {
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
  let address = signs
    ? await client.buildAuthorizationUrlWithJAR(config, parameters, key)
    : client.buildAuthorizationUrl(config, parameters)
  if (responseMode) address.searchParams.set('response_mode', responseMode)
  if (pushes) address = await client.buildAuthorizationUrlWithPAR(config, address.searchParams)
  const back = await allow(address.href, USERNAME, PASSWORD)
  assert.equal(back instanceof Request, responseMode === 'form_post.jwt')
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, back, checks)
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  assert.equal(person.preferred_username, USERNAME)
  await untilRevoked(config, tokens)
}

async function untilRevoked(config, tokens) {
  const read = (token) => client.fetchProtectedResource(config, token, new URL(RESOURCE), 'GET')
  assert.equal((await read(tokens.access_token)).status, 200)
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal((await read(renewed.access_token)).status, 200)
  await client.tokenRevocation(config, renewed.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(read(renewed.access_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

for (const alg of ['EdDSA', 'ES256', 'RS256', 'PS256', 'ES384', 'ES512', 'RS384', 'PS512']) {
  const members = { requestObjectSigningAlg: alg, requireSignedRequestObject: true }
  const metadata = { request_object_signing_alg: alg, require_signed_request_object: true }
  const one = await configured(alg, members, metadata)
  await walk(one, { signs: true })
  await walk(one, { signs: true, pushes: true })
}
for (const alg of ['EdDSA', 'ES256', 'RS256', 'PS256']) {
  const members = { authorizationSignedResponseAlg: alg }
  const one = await configured('ES256', members, { authorization_signed_response_alg: alg })
  client.useJwtResponseMode(one.config)
  for (const responseMode of ['jwt', 'query.jwt', 'form_post.jwt']) await walk(one, { responseMode })
  await walk(one, { pushes: true })
  await walk(one, { signs: true, pushes: true })
}
console.log('ok')
