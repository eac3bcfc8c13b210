// A person with a browser that has no scripts: keeps cookies, fills the forms of sign-in and consent by their ids, and
// stops where the browser would leave for the client, or where a device goes on. A client that is answered by a posted form gets
// the request with that form.

const entities = { '&amp;': '&', '&quot;': '"', '&#34;': '"', '&#38;': '&', '&#39;': "'", '&#x27;': "'", '&lt;': '<', '&gt;': '>' }
const plain = (text) => text.replace(/&[#a-z0-9]+;/g, (entity) => entities[entity] ?? entity)

export async function allow(address, username, password) {
  const cookies = new Map()
  const home = new URL(address).origin
  let response = await send(address, cookies)
  for (let step = 0; step < 8; step++) {
    const location = response.headers.get('location')
    if (location) {
      const target = new URL(location, home)
      if (target.origin !== home) return target
      response = await send(target, cookies)
      continue
    }
    const page = await response.text()
    if (page.includes('id="device-allowed"')) return undefined
    const { action, fields } = form(page)
    if (new URL(action, home).origin !== home) return new Request(action, { method: 'POST', body: fields })
    if (fields.has('username')) {
      fields.set('username', username)
      fields.set('password', password)
    } else if (page.includes('id="consent-allow"')) {
      fields.set('decision', 'allow')
    } else if (!page.includes('id="device-continue"')) {
      throw new Error(`neither sign-in nor consent: ${page}`)
    }
    response = await send(new URL(action, home), cookies, fields)
  }
  throw new Error('the sign-in does not end')
}

// The person finds the newest request of an application on the account pages and presses a button. Returns the text of
// the page with the request.
export async function answer(server, username, password, decision) {
  const cookies = new Map()
  const signIn = form(await (await send(new URL('/account/requests', server), cookies)).text())
  signIn.fields.set('username', username)
  signIn.fields.set('password', password)
  await send(new URL(signIn.action, server), cookies, signIn.fields)
  const list = await (await send(new URL('/account/requests', server), cookies)).text()
  const address = [...list.matchAll(/href="(\/account\/requests\/\d+)"/g)].at(-1)?.[1]
  if (!address) throw new Error(`no request: ${list}`)
  const page = await (await send(new URL(address, server), cookies)).text()
  const { action, fields } = form(page.slice(page.indexOf('<h1>')))
  fields.set('decision', decision)
  const done = await (await send(new URL(action, server), cookies, fields)).text()
  if (!/id="request-(allowed|denied)"/.test(done)) throw new Error(`not answered: ${done}`)
  return plain(page)
}

function form(page) {
  const [, action] = /<form[^>]* action="([^"]*)"/.exec(page) ?? []
  if (!action) throw new Error(`no form: ${page}`)
  const fields = new URLSearchParams()
  for (const [tag] of page.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(tag)?.[1]
    if (name) fields.set(name, plain(/value="([^"]*)"/.exec(tag)?.[1] ?? ''))
  }
  return { action: plain(action), fields }
}

async function send(address, cookies, body) {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const response = await fetch(address, { method: body ? 'POST' : 'GET', body, redirect: 'manual', headers: { cookie } })
  for (const line of response.headers.getSetCookie()) {
    const [pair] = line.split(';')
    const at = pair.indexOf('=')
    cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return response
}
