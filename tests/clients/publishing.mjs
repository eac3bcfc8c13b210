// The site of a client on this machine, over TLS: what it publishes, by path.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

export async function publishing(documents) {
  const { SITE_CERTIFICATE, SITE_KEY } = process.env
  const requests = []
  const own = { cert: readFileSync(SITE_CERTIFICATE), key: readFileSync(SITE_KEY) }
  const server = createServer(own, ({ url }, response) => {
    requests.push(url)
    const document = documents.get(url)
    const type = typeof document === 'string' ? 'application/oauth-authz-req+jwt' : 'application/json'
    response.writeHead(document ? 200 : 404, { 'content-type': type })
    response.end(typeof document === 'string' ? document : JSON.stringify(document))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { origin: `https://localhost:${server.address().port}`, requests }
}
