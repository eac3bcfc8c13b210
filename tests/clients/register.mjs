// Registers an application through the management API, as its developer (or an administrator) would.

const { SERVER, USERNAME, PASSWORD, REDIRECT_URI, ADMINISTRATOR, ADMINISTRATOR_PASSWORD } = process.env

export const administrator = [ADMINISTRATOR, ADMINISTRATOR_PASSWORD]

export async function register(members, [name, password] = [USERNAME, PASSWORD]) {
  const response = await fetch(`${SERVER}/api/mgmt/oauth/client/applications`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${name}:${password}`)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: 'A client', redirectUrls: [REDIRECT_URI], ...members }),
  })
  if (response.status !== 201) throw new Error(await response.text())
  return response.json()
}
