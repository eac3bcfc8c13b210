// What clients publish at addresses of their own, with openid-client: a signed request to which the authorization request only
// refers (JAR by reference), and a metadata document with the keys of private_key_jwt at `jwks_uri`. Each walks from the metadata
// over userinfo and data to a revoked token. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { publishing } from './publishing.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']
const documents = new Map()
const site = await publishing(documents)

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const key = { key: privateKey, kid: 'first' }
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'first', alg: 'ES256' }] }
const discovered = (id) => client.discovery(new URL(SERVER), id, undefined, client.PrivateKeyJwt(key))

async function walk(config, address) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const asked = await address({
    redirect_uri: REDIRECT_URI,
    scope: scopes.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  })
  const back = await allow(asked.href, USERNAME, PASSWORD)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, back, checks)
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  assert.equal(person.preferred_username, USERNAME)
  const read = (token) => client.fetchProtectedResource(config, token, new URL(RESOURCE), 'GET')
  assert.deepEqual((await (await read(tokens.access_token)).json()).value, [{ Id: 1, Name: 'rope' }])
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal((await read(renewed.access_token)).status, 200)
  await client.tokenRevocation(config, renewed.refresh_token ?? tokens.refresh_token)
  await assert.rejects(read(renewed.access_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

const requestUris = [`${site.origin}/request.jwt`]
const registered = await register({ scopes, tokenEndpointAuthMethod: 'private_key_jwt', jwks, requestUris })
const byReference = await discovered(registered.clientId)
await walk(byReference, async (parameters) => {
  const { searchParams } = await client.buildAuthorizationUrlWithJAR(byReference, parameters, key)
  documents.set('/request.jwt', searchParams.get('request'))
  return client.buildAuthorizationUrl(byReference, { request_uri: requestUris[0] })
})
assert.deepEqual(site.requests, ['/request.jwt'], 'the object is fetched once')

const id = `${site.origin}/client.json`
documents.set('/keys.json', jwks)
documents.set('/client.json', {
  client_id: id,
  client_name: 'A client with a document',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: scopes.join(' '),
  token_endpoint_auth_method: 'private_key_jwt',
  jwks_uri: `${site.origin}/keys.json`,
})
const byDocument = await discovered(id)
assert.ok(byDocument.serverMetadata().client_id_metadata_document_supported)
await walk(byDocument, (parameters) => client.buildAuthorizationUrl(byDocument, parameters))
await walk(byDocument, (parameters) => client.buildAuthorizationUrlWithPAR(byDocument, parameters))
for (const path of ['/client.json', '/keys.json']) assert.equal(site.requests.filter((asked) => asked === path).length, 1, path)
console.log('ok')
