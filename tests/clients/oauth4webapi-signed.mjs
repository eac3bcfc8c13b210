// FAPI 2.0 Message Signing with oauth4webapi: signed and pushed requests, responses as a JWT in each response mode, DPoP with
// nonces of the server, and signed introspection, whose signature is verified. Each walks from the metadata over userinfo and
// data to a revoked token. Prints "ok" at the end.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { allow } from './person.mjs'
import { register } from './register.mjs'

const { SERVER, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const scopes = ['openid', 'profile', 'offline_access', 'api.access.odata']
const insecure = { [oauth.allowInsecureRequests]: true }

const issuer = new URL(SERVER)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))

// The first request of a handle learns the nonce.
async function withNonce(send) {
  try {
    return await send()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return send()
  }
}

async function bank(alg) {
  const { publicKey, privateKey } = await oauth.generateKeyPair(alg, { extractable: true })
  const { alg: _, key_ops: __, ext: ___, ...jwk } = await crypto.subtle.exportKey('jwk', publicKey)
  const name = alg === 'Ed25519' ? 'EdDSA' : alg
  const { clientId } = await register({
    scopes,
    profile: 'fapi2',
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [{ ...jwk, kid: 'first' }] },
    authorizationSignedResponseAlg: name,
    introspectionSignedResponseAlg: name,
    openid: { idTokenSignedResponseAlg: name, userinfoSignedResponseAlg: name },
  })
  const client = {
    client_id: clientId,
    authorization_signed_response_alg: name,
    introspection_signed_response_alg: name,
    id_token_signed_response_alg: name,
    userinfo_signed_response_alg: name,
  }
  const key = { key: privateKey, kid: 'first' }
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(alg))
  return { client, key, authentication: oauth.PrivateKeyJwt(key), options: { ...insecure, DPoP } }
}

async function authorized({ client, key, authentication, options }, responseMode) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const request = await oauth.issueRequestObject(server, client, {
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    response_mode: responseMode,
    scope: scopes.join(' '),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }, key)
  const { request_uri } = await withNonce(async () => {
    const pushed = await oauth.pushedAuthorizationRequest(server, client, authentication, { request }, options)
    return oauth.processPushedAuthorizationResponse(server, client, pushed)
  })
  const query = new URLSearchParams({ client_id: client.client_id, request_uri })
  const back = await allow(`${server.authorization_endpoint}?${query}`, USERNAME, PASSWORD)
  const answered = back instanceof Request ? new URLSearchParams(await oauth.formPostResponse(back)) : back
  const given = await oauth.validateJwtAuthResponse(server, client, answered, state, insecure)
  return withNonce(async () => {
    const exchange = [server, client, authentication, given, REDIRECT_URI, verifier, options]
    const answer = await oauth.authorizationCodeGrantRequest(...exchange)
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, { expectedNonce: nonce, requireIdToken: true })
    await oauth.validateApplicationLevelSignature(server, answer, insecure)
    return tokens
  })
}

async function introspected({ client, authentication }, token) {
  const answer = await oauth.introspectionRequest(server, client, authentication, token, insecure)
  assert.equal(answer.headers.get('content-type'), 'application/token-introspection+jwt')
  const shown = await oauth.processIntrospectionResponse(server, client, answer)
  await oauth.validateApplicationLevelSignature(server, answer, insecure)
  return shown
}

async function walk(one, responseMode) {
  const { client, authentication, options } = one
  const tokens = await authorized(one, responseMode)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const told = await oauth.userInfoRequest(server, client, tokens.access_token, options)
  const person = await oauth.processUserInfoResponse(server, client, sub, told)
  await oauth.validateApplicationLevelSignature(server, told, insecure)
  assert.equal(person.preferred_username, USERNAME)
  const refresh = () => oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, options)
  const renewed = await oauth.processRefreshTokenResponse(server, client, await refresh())
  const shown = await introspected(one, renewed.access_token)
  assert.equal(shown.cnf.jkt, await options.DPoP.calculateThumbprint())
  const read = () => oauth.protectedResourceRequest(renewed.access_token, 'GET', new URL(RESOURCE), undefined, null, options)
  assert.deepEqual((await (await read()).json()).value, [{ Id: 1, Name: 'rope' }])
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, tokens.refresh_token, insecure),
  )
  assert.equal((await introspected(one, renewed.access_token)).active, false)
  const again = refresh().then((answer) => oauth.processRefreshTokenResponse(server, client, answer))
  await assert.rejects(again, { error: 'invalid_grant' })
  await assert.rejects(read(), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
}

for (const alg of ['PS256', 'ES256', 'Ed25519']) {
  const one = await bank(alg)
  for (const responseMode of ['jwt', 'query.jwt', 'form_post.jwt']) await walk(one, responseMode)
}
console.log('ok')
