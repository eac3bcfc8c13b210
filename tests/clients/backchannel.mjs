// Backchannel authentication with openid-client and oauth4webapi: a client asks a person whom it names, and polls while the
// person decides on a phone. Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { answer } from './person.mjs'
import { administrator, register } from './register.mjs'

const { SERVER, USERNAME, PASSWORD, RESOURCE } = process.env
const members = {
  redirectUrls: [],
  scopes: ['openid', 'api.access.odata'],
  grantTypes: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
}
await assert.rejects(register(members), /Administrator/)
const application = await register(members, administrator)

const config = await client.discovery(new URL(SERVER), application.clientId, application.clientSecret, undefined, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
})
const asked = await client.initiateBackchannelAuthentication(config, {
  scope: 'openid api.access.odata',
  login_hint: USERNAME,
  binding_message: 'W4SCT',
  requested_expiry: '120',
})
assert.equal(asked.expires_in, 120)
assert.match(await answer(SERVER, USERNAME, PASSWORD, 'allow'), /W4SCT/)
const tokens = await client.pollBackchannelAuthenticationGrant(config, asked)
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
assert.equal(person.sub, tokens.claims().sub)
assert.equal((await client.fetchProtectedResource(config, tokens.access_token, new URL(RESOURCE), 'GET')).status, 200)
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
assert.equal(renewed.claims().sub, tokens.claims().sub)
await client.tokenRevocation(config, renewed.refresh_token)
await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token), { error: 'invalid_grant' })
await assert.rejects(client.pollBackchannelAuthenticationGrant(config, asked), { error: 'invalid_grant' })
await assert.rejects(
  client.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'nobody' }),
  { error: 'unknown_user_id' },
)

const insecure = { [oauth.allowInsecureRequests]: true }
const found = await oauth.discoveryRequest(new URL(SERVER), { algorithm: 'oidc', ...insecure })
const server = await oauth.processDiscoveryResponse(new URL(SERVER), found)
const own = { client_id: application.clientId }
const secret = oauth.ClientSecretPost(application.clientSecret)
const parameters = { scope: 'openid', id_token_hint: tokens.id_token }
const sent = await oauth.backchannelAuthenticationRequest(server, own, secret, parameters, insecure)
const acknowledged = await oauth.processBackchannelAuthenticationResponse(server, own, sent)
const poll = async () => {
  const id = acknowledged.auth_req_id
  const response = await oauth.backchannelAuthenticationGrantRequest(server, own, secret, id, insecure)
  return oauth.processBackchannelAuthenticationGrantResponse(server, own, response)
}
await assert.rejects(poll(), { error: 'authorization_pending' })
await answer(SERVER, USERNAME, PASSWORD, 'deny')
await assert.rejects(poll(), { error: 'access_denied' })
console.log('ok')
