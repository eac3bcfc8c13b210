// npm `oidc-provider` as a peer of the benchmark: opaque tokens, introspection, codes, refresh with rotation, all in a
// map in memory, and no ID token, which it would sign with RSA. It writes nothing to a disk, so it does less than a
// server that must keep what it acknowledged.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT_ID = 'bench';
const REDIRECT = 'http://127.0.0.1:9/callback';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const ACCOUNT = 'bench-user';

// The package's own adapter forgets all but the last thousand entries.
const entries = new Map();
const grants = new Map();
class MemoryAdapter {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) {
    entries.set(this.key(id), payload);
    if (payload.grantId) {
      if (!grants.has(payload.grantId)) grants.set(payload.grantId, []);
      grants.get(payload.grantId).push(this.key(id));
    }
  }
  async find(id) { return entries.get(this.key(id)); }
  async findByUid() { return undefined; }
  async findByUserCode() { return undefined; }
  async consume(id) { entries.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { entries.delete(this.key(id)); }
  async revokeByGrantId(id) {
    for (const key of grants.get(id) ?? []) entries.delete(key);
    grants.delete(id);
  }
}

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  adapter: MemoryAdapter,
  clients: [{
    client_id: CLIENT_ID,
    client_secret: 'bench-secret-bench-secret-bench-secret',
    redirect_uris: [REDIRECT],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  cookies: { keys: ['bench'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: () => true,
});

async function codes(count) {
  const client = await provider.Client.find(CLIENT_ID);
  const made = [];
  for (let index = 0; index < count; index += 1) {
    const grant = new provider.Grant({ accountId: ACCOUNT, clientId: CLIENT_ID });
    grant.addOIDCScope('offline_access');
    const grantId = await grant.save();
    const code = new provider.AuthorizationCode({
      accountId: ACCOUNT,
      client,
      codeChallenge: CHALLENGE,
      codeChallengeMethod: 'S256',
      grantId,
      gty: 'authorization_code',
      redirectUri: REDIRECT,
      scope: 'offline_access',
    });
    made.push(await code.save());
  }
  return made;
}

const handle = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/bench/codes')) return handle(request, response);
  const count = Number(new URL(request.url, issuer).searchParams.get('count'));
  return codes(count).then((made) => response.end(JSON.stringify(made)), (error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
process.on('SIGTERM', () => process.exit(0));
console.log(`oidc-provider is ready at ${issuer}`);
