// The grant jwt-bearer with an identity assertion (ID-JAG): jose signs for the identity provider, openid-client presents it.
// Prints "ok" at the end.

import assert from 'node:assert/strict'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { administrator, register } from './register.mjs'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ISSUER = 'https://idp.example.com'
const { SERVER, USERNAME, RESOURCE } = process.env

const { publicKey, privateKey } = await generateKeyPair('EdDSA')
const jwk = { ...(await exportJWK(publicKey)), kid: 'idp' }
const trusted = await fetch(`${SERVER}/api/admin/trustedissuers`, {
  method: 'POST',
  headers: {
    authorization: `Basic ${btoa(administrator.join(':'))}`,
    'content-type': 'application/json',
  },
  body: JSON.stringify({
    issuer: ISSUER,
    jwks: { keys: [jwk] },
    purposes: ['identity_assertion'],
    clients: ['*'],
    subjects: { 'employee-7': USERNAME },
  }),
})
assert.equal(trusted.status, 201, await trusted.text())

const application = await register({ grantTypes: [GRANT] })
const config = await client.discovery(
  new URL(SERVER),
  application.clientId,
  undefined,
  client.ClientSecretBasic(application.clientSecret),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)
const metadata = config.serverMetadata()
assert.deepEqual(metadata.authorization_grant_profiles_supported, ['urn:ietf:params:oauth:grant-profile:id-jag'])

const assertion = await new SignJWT({
  client_id: application.clientId,
  resource: `${SERVER}/api/odata4`,
  scope: 'api.access.odata',
})
  .setProtectedHeader({ alg: 'EdDSA', kid: 'idp', typ: 'oauth-id-jag+jwt' })
  .setIssuer(ISSUER)
  .setSubject('employee-7')
  .setAudience(metadata.issuer)
  .setJti(crypto.randomUUID())
  .setIssuedAt()
  .setExpirationTime('5m')
  .sign(privateKey)

const tokens = await client.genericGrantRequest(config, GRANT, { assertion })
assert.equal(tokens.refresh_token, undefined)
const read = await client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET')
assert.equal(read.status, 200)
await assert.rejects(client.genericGrantRequest(config, GRANT, { assertion }), { error: 'invalid_grant' })
await client.tokenRevocation(config, tokens.access_token)
await assert.rejects(client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET'))
console.log('ok')
