// Registers an application through the management API, as its developer would.

const { SERVER, USERNAME, PASSWORD, REDIRECT_URI } = process.env

export async function register(members) {
  const response = await fetch(`${SERVER}/api/mgmt/oauth/client/applications`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${USERNAME}:${PASSWORD}`)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: 'A client', redirectUrls: [REDIRECT_URI], ...members }),
  })
  if (response.status !== 201) throw new Error(await response.text())
  return response.json()
}
