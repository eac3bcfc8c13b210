// The providers of the npm package @modelcontextprotocol/sdk for programs without a user: with a secret, with a private key, and
// with an assertion that somebody else signed. Each walks from a 401 through discovery to rows. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { SignJWT, exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { auth, discoverAuthorizationServerMetadata, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider, PrivateKeyJwtProvider, StaticPrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { InvalidClientError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { register } from './register.mjs'

const { SERVER, RESOURCE } = process.env
const serverUrl = RESOURCE.slice(0, RESOURCE.lastIndexOf('/'))
const scope = 'api.access.odata'
const grantTypes = ['client_credentials']
const expectedIssuer = SERVER

const metadata = await discoverAuthorizationServerMetadata(SERVER)
assert.ok(metadata.grant_types_supported.includes('client_credentials'))
for (const method of ['private_key_jwt', 'client_secret_basic', 'client_secret_post'])
  assert.ok(metadata.token_endpoint_auth_methods_supported.includes(method), method)
const read = (token) => fetch(RESOURCE, { headers: token && { authorization: `Bearer ${token}` } })

// What a client does that knows nothing but the address of the data.
async function authorize(provider) {
  const refused = await read(provider.tokens()?.access_token)
  assert.equal(refused.status, 401)
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(refused)
  assert.equal(await auth(provider, { serverUrl, resourceMetadataUrl, scope }), 'AUTHORIZED')
  const rows = await read(provider.tokens().access_token)
  assert.equal(rows.status, 200)
  assert.deepEqual((await rows.json()).value, [{ Id: 1, Name: 'rope' }])
  return provider.tokens()
}

async function end(token, authentication) {
  const body = new URLSearchParams({ token, ...authentication })
  assert.equal((await fetch(metadata.revocation_endpoint, { method: 'POST', body })).status, 200)
}

// Each of these clients gets a token, and another one after the end of the first.
const service = await register({ grantTypes })
const secret = { clientId: service.clientId, clientSecret: service.clientSecret, expectedIssuer }
for (const options of [secret, { ...secret, scope }]) {
  const provider = new ClientCredentialsProvider(options)
  const first = await authorize(provider)
  assert.equal(first.refresh_token, undefined)
  await end(first.access_token, { client_id: service.clientId, client_secret: service.clientSecret })
  const second = await authorize(provider)
  assert.notEqual(second.access_token, first.access_token)
}

const keyed = async (publicKey) =>
  register({ grantTypes, tokenEndpointAuthMethod: 'private_key_jwt', jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'first' }] } })
for (const algorithm of ['RS256', 'ES256', 'PS384', 'ES512', 'EdDSA']) {
  assert.ok(metadata.token_endpoint_auth_signing_alg_values_supported.includes(algorithm))
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const { clientId } = await keyed(publicKey)
  const forms = algorithm === 'EdDSA' ? [] : [await exportPKCS8(privateKey)]
  for (const key of [...forms, await exportJWK(privateKey)]) {
    const provider = new PrivateKeyJwtProvider({ clientId, privateKey: key, algorithm, expectedIssuer })
    const first = await authorize(provider)
    assert.equal(first.refresh_token, undefined)
    provider.saveTokens(undefined)
    const second = await authorize(provider)
    assert.notEqual(second.access_token, first.access_token)
    assert.equal((await read(first.access_token)).status, 200, 'a new token does not end the one before')
  }
}

// What is refused, and that it leaves nothing behind.
async function refused(provider, reason) {
  await assert.rejects(auth(provider, { serverUrl }), reason)
  assert.equal(provider.tokens(), undefined)
}
await refused(new ClientCredentialsProvider({ ...secret, clientSecret: `${secret.clientSecret}0` }), InvalidClientError)

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const { clientId } = await keyed(publicKey)
const other = await generateKeyPair('ES256', { extractable: true })
const stranger = { clientId, privateKey: await exportPKCS8(other.privateKey), algorithm: 'ES256', expectedIssuer }
await refused(new PrivateKeyJwtProvider(stranger), InvalidClientError)

const signed = (audience) =>
  new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: 'first' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
const once = { clientId, jwtBearerAssertion: await signed(metadata.issuer), expectedIssuer }
await authorize(new StaticPrivateKeyJwtProvider(once))
await refused(new StaticPrivateKeyJwtProvider(once), InvalidClientError)
const elsewhere = { clientId, jwtBearerAssertion: await signed('https://elsewhere.example.com'), expectedIssuer }
await refused(new StaticPrivateKeyJwtProvider(elsewhere), InvalidClientError)

// Credentials of another server are not sent to this one.
await refused(new ClientCredentialsProvider({ ...secret, expectedIssuer: 'https://elsewhere.example.com' }), /elsewhere/)
console.log('ok')
