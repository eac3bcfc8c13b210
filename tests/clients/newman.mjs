// Runs the Postman collection with newman. Arguments come as environment variables; prints "ok" at the end.

import { readFile } from 'node:fs/promises'
import newman from 'newman'

const { SERVER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, USERNAME, PASSWORD, RESOURCE } = process.env
const { ADMINISTRATOR, ADMINISTRATOR_PASSWORD } = process.env
const values = {
  server: SERVER,
  client_id: CLIENT_ID,
  client_secret: CLIENT_SECRET,
  redirect_uri: REDIRECT_URI,
  username: USERNAME,
  password: PASSWORD,
  resource: RESOURCE,
  administrator: ADMINISTRATOR,
  administrator_password: ADMINISTRATOR_PASSWORD,
}

newman.run(
  {
    collection: JSON.parse(await readFile(new URL('collection.json', import.meta.url), 'utf8')),
    envVar: Object.entries(values).map(([key, value]) => ({ key, value })),
  },
  (error, summary) => {
    if (error) throw error
    const failures = summary.run.failures.map((failure) => `${failure.source?.name}: ${failure.error.message}`)
    if (failures.length > 0 || summary.run.stats.assertions.total === 0) {
      console.error(failures.join('\n') || 'no assertion ran')
      process.exit(1)
    }
    console.log('ok')
  },
)
