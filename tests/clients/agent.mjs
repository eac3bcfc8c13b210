// An OAuth client of the npm package @modelcontextprotocol/sdk that keeps what it gets in `stored`. With SITE_CERTIFICATE it identifies
// itself by the URL of its metadata document instead of registering.

import { publishing } from './publishing.mjs'

const { REDIRECT_URI, SITE_CERTIFICATE } = process.env

const documents = new Map()
export const site = SITE_CERTIFICATE && (await publishing(documents))

export function providing(stored) {
  const provider = {
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: 'An agent',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    state: () => 'a-state',
    clientInformation: () => stored.client,
    saveClientInformation: (client) => (stored.client = client),
    tokens: () => stored.tokens,
    saveTokens: (tokens) => (stored.tokens = tokens),
    redirectToAuthorization: (address) => (stored.address = address),
    saveCodeVerifier: (verifier) => (stored.verifier = verifier),
    codeVerifier: () => stored.verifier,
  }
  if (site) {
    provider.clientMetadataUrl = `${site.origin}/agent.json`
    documents.set('/agent.json', { client_id: provider.clientMetadataUrl, ...provider.clientMetadata })
  }
  return provider
}
