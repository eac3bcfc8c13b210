// A `fetch` that presents a certificate in TLS, which that of Node cannot. It follows no redirects.

import { request } from 'node:https'

export const presenting = (certificate) => async (url, { method = 'GET', headers = {}, body } = {}) => {
  const sent = body == null ? undefined : Buffer.from(body.toString())
  const named = { ...Object.fromEntries(new Headers(headers)), ...(sent && { 'content-length': sent.length }) }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: named, ...certificate }, async (incoming) => {
      const chunks = []
      for await (const chunk of incoming) chunks.push(chunk)
      const answered = new Headers()
      for (let at = 0; at < incoming.rawHeaders.length; at += 2) answered.append(incoming.rawHeaders[at], incoming.rawHeaders[at + 1])
      const { statusCode: status } = incoming
      resolve(new Response(status === 204 ? null : Buffer.concat(chunks), { status, headers: answered }))
    })
    outgoing.on('error', reject)
    outgoing.end(sent)
  })
}
