// The device flow with openid-client: a device polls while its user decides on a phone. Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, USERNAME, PASSWORD, RESOURCE } = process.env
const application = await register({
  clientType: 'public',
  redirectUrls: [],
  grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
})
const config = await client.discovery(new URL(SERVER), application.clientId, undefined, client.None(), {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
})

const codes = await client.initiateDeviceAuthorization(config, { scope: 'api.access.odata' })
assert.match(codes.user_code, /^[A-Z]{4}-[A-Z]{4}$/)
assert.equal(await allow(codes.verification_uri_complete, USERNAME, PASSWORD), undefined)
const tokens = await client.pollDeviceAuthorizationGrant(config, codes)
const read = await client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET')
assert.equal(read.status, 200)

const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
assert.notEqual(renewed.refresh_token, tokens.refresh_token)
await client.tokenRevocation(config, renewed.refresh_token)
await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token), { error: 'invalid_grant' })
await assert.rejects(client.pollDeviceAuthorizationGrant(config, codes), { error: 'invalid_grant' })
console.log('ok')
