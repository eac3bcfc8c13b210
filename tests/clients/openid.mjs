// OpenID Connect with the npm package openid-client: discovery, a nonce, userinfo, refresh and logout. Arguments come as
// environment variables; prints "ok" at the end.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD } = process.env
const GOODBYE = 'https://client.example/bye'

for (const algorithm of ['RS256', 'ES256', 'EdDSA', 'PS256']) {
  const application = await register({
    scopes: ['openid', 'profile', 'api.access.odata'],
    openid: {
      subjectType: 'pairwise',
      idTokenSignedResponseAlg: algorithm,
      userinfoSignedResponseAlg: algorithm,
      postLogoutRedirectUris: [GOODBYE],
    },
  })
  const metadata = {
    client_secret: application.clientSecret,
    id_token_signed_response_alg: algorithm,
    userinfo_signed_response_alg: algorithm,
  }
  const config = await client.discovery(new URL(SERVER), application.clientId, metadata, undefined, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  })
  const nonce = client.randomNonce()
  const state = client.randomState()
  const verifier = client.randomPKCECodeVerifier()
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '600',
  })
  const back = await allow(address.href, USERNAME, PASSWORD)
  const tokens = await client.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: 600,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  assert.equal(claims.nonce, nonce)
  assert.equal(claims.aud, application.clientId)

  const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(person.sub, claims.sub)
  assert.equal(person.preferred_username, USERNAME)
  const told = await client.tokenIntrospection(config, tokens.access_token)
  assert.equal(told.sub, claims.sub)

  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(renewed.claims().sub, claims.sub)
  assert.equal(renewed.claims().auth_time, claims.auth_time)

  const end = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: GOODBYE,
    state,
  })
  const ended = await fetch(end, { redirect: 'manual' })
  assert.equal(ended.headers.get('location'), `${GOODBYE}?state=${state}`)
}
console.log('ok')
