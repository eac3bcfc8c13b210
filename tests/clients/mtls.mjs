// Certificates of clients with openid-client: tls_client_auth and self_signed_tls_client_auth, with tokens that are bound to the
// certificate. Self-signed ones have keys of each kind, and are registered as themselves, by their keys, or at an address. Each
// walks from the metadata over userinfo and data to a revoked token. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { X509Certificate, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { presenting } from './presenting.mjs'
import { publishing } from './publishing.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE, CERTIFICATES, TRUSTED } = process.env
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']
const ca = readFileSync(TRUSTED)

function loaded(name) {
  const [cert, key] = ['pem', 'key'].map((kind) => readFileSync(`${CERTIFICATES}/${name}.${kind}`))
  return { cert, key, ca }
}

const keyOf = ({ cert }) => new X509Certificate(cert).publicKey.export({ format: 'jwk' })
const asItself = (one) => ({ ...keyOf(one), x5c: [new X509Certificate(one.cert).raw.toString('base64')] })

const digest = ({ cert }) => createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')

async function walk(certificate, other, members) {
  const { clientId } = await register({ scopes, tlsClientCertificateBoundAccessTokens: true, ...members })
  const metadata = { use_mtls_endpoint_aliases: true }
  const options = { [client.customFetch]: presenting(certificate) }
  const config = await client.discovery(new URL(SERVER), clientId, metadata, client.TlsClientAuth(), options)
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const parameters = {
    redirect_uri: REDIRECT_URI,
    scope: scopes.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  }
  const address = await client.buildAuthorizationUrlWithPAR(config, parameters)
  const back = await allow(address.href, USERNAME, PASSWORD)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, back, checks)
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  assert.equal(person.preferred_username, USERNAME)

  // Data are at the address that asks for certificates, too.
  const asking = new URL(new URL(RESOURCE).pathname, config.serverMetadata().mtls_endpoint_aliases.token_endpoint)
  const read = (token) => client.fetchProtectedResource(config, token, asking, 'GET')
  assert.deepEqual((await (await read(tokens.access_token)).json()).value, [{ Id: 1, Name: 'rope' }])
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  const shown = await client.tokenIntrospection(config, renewed.access_token)
  assert.equal(shown.cnf['x5t#S256'], digest(certificate))
  await read(renewed.access_token)
  const headers = { authorization: `Bearer ${renewed.access_token}` }
  for (const send of [presenting(other), presenting({ ca }), fetch]) assert.equal((await send(asking, { headers })).status, 401)
  assert.equal((await fetch(RESOURCE, { headers })).status, 401)

  const thief = await client.discovery(new URL(SERVER), clientId, metadata, client.TlsClientAuth(), {
    [client.customFetch]: presenting(other),
  })
  await assert.rejects(client.refreshTokenGrant(thief, tokens.refresh_token), { error: 'invalid_client' })
  await client.tokenRevocation(config, tokens.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(read(renewed.access_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

const [crane, pilot, selfSigned] = ['crane', 'pilot', 'self-signed'].map(loaded)
const tlsClientAuth = { subjectDn: 'CN=crane 7,O=Harbour,C=DE' }
await walk(crane, pilot, { tokenEndpointAuthMethod: 'tls_client_auth', tlsClientAuth })
const tokenEndpointAuthMethod = 'self_signed_tls_client_auth'
await walk(selfSigned, crane, { tokenEndpointAuthMethod, jwks: { keys: [asItself(selfSigned)] } })
for (const name of ['p384', 'ed25519', 'rsa3072']) {
  const own = loaded(name)
  for (const key of [keyOf(own), asItself(own)]) await walk(own, selfSigned, { tokenEndpointAuthMethod, jwks: { keys: [key] } })
}
const site = await publishing(new Map([['/keys.json', { keys: [keyOf(crane), asItself(selfSigned)] }]]))
await walk(selfSigned, pilot, { tokenEndpointAuthMethod, jwksUri: `${site.origin}/keys.json` })
console.log('ok')
