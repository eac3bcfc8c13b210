// Creates an initial access token through the management API, as an administrator would.

import assert from 'node:assert/strict'

const { SERVER, ADMINISTRATOR, ADMINISTRATOR_PASSWORD } = process.env

export async function initialAccessToken(members = {}) {
  const response = await fetch(`${SERVER}/api/admin/initialaccesstokens`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${ADMINISTRATOR}:${ADMINISTRATOR_PASSWORD}`)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(members),
  })
  assert.equal(response.status, 201, await response.clone().text())
  return (await response.json()).token
}

// Whether clients may register without a token.
export async function isOpen(endpoint) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(endpoint, { method: 'POST', headers, body: '{}' })
  assert.ok([400, 401].includes(answer.status), await answer.clone().text())
  return answer.status === 400
}
