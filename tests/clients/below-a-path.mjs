// An issuer with a path, with openid-client: its metadata are found in the way of OpenID Connect and in that of RFC 8414. Each
// walks over userinfo and data to a revoked token and the logout: with a secret, and with pushed requests, a key, DPoP and
// resources. Prints "ok" at the end.

import assert from 'node:assert/strict'
import { exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const GOODBYE = 'https://client.example/bye'
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']
const data = RESOURCE.slice(0, RESOURCE.lastIndexOf('/'))

// Nothing that the server names is outside of its path.
function isBelow(address) {
  assert.ok(address.startsWith(`${SERVER}/`), address)
  return address
}

async function discovered(algorithm, id, metadata, authentication) {
  const requested = []
  const config = await client.discovery(new URL(SERVER), id, metadata, authentication, {
    algorithm,
    execute: [client.allowInsecureRequests],
    [client.customFetch]: (url, options) => (requested.push(url), fetch(url, options)),
  })
  const { origin, pathname } = new URL(SERVER)
  const wellKnown = {
    oidc: `${SERVER}/.well-known/openid-configuration`,
    oauth2: `${origin}/.well-known/oauth-authorization-server${pathname}`,
  }
  assert.deepEqual(requested, [wellKnown[algorithm]])
  const served = config.serverMetadata()
  assert.equal(served.issuer, SERVER)
  for (const name of Object.keys(served)) if (/_endpoint$|_uri$/.test(name)) isBelow(served[name])
  return config
}

async function walk(config, { pushes, DPoP, resources = [] } = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = new URLSearchParams({
    redirect_uri: REDIRECT_URI,
    scope: scopes.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  for (const resource of resources) parameters.append('resource', resource)
  const address = pushes
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters)
  const back = await allow(isBelow(address.href), USERNAME, PASSWORD)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })

  const { sub } = tokens.claims()
  const person = client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })
  // A token for data alone is for another audience.
  if (resources.length === 0 || resources.includes(SERVER)) assert.equal((await person).preferred_username, USERNAME)
  else await assert.rejects(person, { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 })

  const read = async (token, address) => {
    const answer = await client.fetchProtectedResource(config, token, new URL(address), 'GET', null, undefined, { DPoP })
    return answer.json()
  }
  const catalogue = await read(tokens.access_token, `${SERVER}/api/odata4`)
  assert.deepEqual(catalogue.value.map(({ url }) => url), [`${data}/`])
  const page = await read(tokens.access_token, RESOURCE)
  assert.equal(page['@odata.context'], `${data}/$metadata#Items`)
  assert.deepEqual(page.value, [{ Id: 1, Name: 'rope' }])

  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal(renewed.claims().sub, sub)
  await read(renewed.access_token, RESOURCE)
  await client.tokenRevocation(config, renewed.refresh_token)
  const refused = { error: 'invalid_grant' }
  await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token, undefined, { DPoP }), refused)
  await assert.rejects(read(renewed.access_token, RESOURCE), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })

  const parting = { id_token_hint: tokens.id_token, post_logout_redirect_uri: GOODBYE, state }
  const ended = await fetch(isBelow(client.buildEndSessionUrl(config, parting).href), { redirect: 'manual' })
  assert.equal(ended.headers.get('location'), `${GOODBYE}?state=${state}`)
}

for (const algorithm of ['oidc', 'oauth2']) {
  const openid = { postLogoutRedirectUris: [GOODBYE] }
  const confidential = await register({ scopes, openid })
  await walk(await discovered(algorithm, confidential.clientId, confidential.clientSecret))

  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'first' }] }
  const keyed = await register({ scopes, openid, tokenEndpointAuthMethod: 'private_key_jwt', jwks })
  const authentication = client.PrivateKeyJwt({ key: privateKey, kid: 'first' })
  const config = await discovered(algorithm, keyed.clientId, undefined, authentication)
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  await walk(config, { pushes: true, DPoP })
  await walk(config, { pushes: true, DPoP, resources: [data] })
  await walk(config, { pushes: true, DPoP, resources: [data, SERVER] })
}
console.log('ok')
