// The profile fapi2 with openid-client: pushed requests, private_key_jwt, DPoP with nonces of the server; with MESSAGE_SIGNING
// also signed requests, responses and introspection. It walks from the metadata over userinfo and data to a revoked token.
// Prints "ok" at the end.

import assert from 'node:assert/strict'
import { exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE, MESSAGE_SIGNING } = process.env
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']

async function configured(alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const key = { key: privateKey, kid: 'first' }
  const { clientId } = await register({
    scopes,
    profile: 'fapi2',
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'first', alg }] },
    authorizationSignedResponseAlg: alg,
    introspectionSignedResponseAlg: alg,
    openid: { idTokenSignedResponseAlg: alg },
  })
  const metadata = {
    id_token_signed_response_alg: alg,
    authorization_signed_response_alg: alg,
    request_object_signing_alg: alg,
    introspection_signed_response_alg: MESSAGE_SIGNING && alg,
    use_mtls_endpoint_aliases: false,
  }
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  if (MESSAGE_SIGNING) execute.push(client.useJwtResponseMode)
  const config = await client.discovery(new URL(SERVER), clientId, metadata, client.PrivateKeyJwt(key), { execute })
  return { config, key }
}

async function authorized({ config, key }, DPoP) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  let parameters = {
    redirect_uri: REDIRECT_URI,
    scope: scopes.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    dpop_jkt: await DPoP.calculateThumbprint(),
    state,
    nonce,
  }
  if (MESSAGE_SIGNING) {
    await assert.rejects(client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP }), { error: 'invalid_request' })
    parameters = (await client.buildAuthorizationUrlWithJAR(config, parameters, key)).searchParams
  }
  const address = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
  const back = await allow(address.href, USERNAME, PASSWORD)
  assert.equal(back.searchParams.has('response'), Boolean(MESSAGE_SIGNING))
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
}

async function walk(one) {
  const { config } = one
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const tokens = await authorized(one, DPoP)
  assert.equal(tokens.token_type, 'dpop')
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
  assert.equal(person.preferred_username, USERNAME)
  const read = (token) => client.fetchProtectedResource(config, token, new URL(RESOURCE), 'GET', null, undefined, { DPoP })
  assert.equal((await read(tokens.access_token)).status, 200)
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal(renewed.refresh_token ?? tokens.refresh_token, tokens.refresh_token, 'confidential clients do not rotate')
  const shown = await client.tokenIntrospection(config, renewed.access_token)
  assert.equal(shown.cnf.jkt, await DPoP.calculateThumbprint())
  assert.equal((await read(renewed.access_token)).status, 200)
  await client.tokenRevocation(config, tokens.refresh_token)
  const again = client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  await assert.rejects(again, { error: 'invalid_grant' })
  await assert.rejects(read(renewed.access_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

for (const alg of ['PS256', 'ES256', 'EdDSA']) await walk(await configured(alg))
console.log('ok')
