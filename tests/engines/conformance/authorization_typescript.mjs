// The official TypeScript SDKs as a client that has a server's URL and no token: `authorization_typescript.mjs FOLDER
// GENERATION`, with jobs on standard input and what came of each on standard output. A job: {url, mode, redirect, client,
// calls, seconds}. `calls` are the steps after `connect`: the list of tools, or a tool. A step tells what came of it, and which
// authorization requests the client made meanwhile. With `enterprise` in the job, a user has logged in before, the client has
// the ID token, and it has no browser. All jobs run at the same time.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, generation] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const names = generation === '1'
  ? ['client/index.js', 'client/streamableHttp.js'].map((name) => `@modelcontextprotocol/sdk/${name}`)
  : ['@modelcontextprotocol/client'];
const sdk = Object.assign({}, ...(await Promise.all(names.map(load))));
const { Client, StreamableHTTPClientTransport } = sdk;
const INFO = { name: 'authorization tests', version: '1' };
// How often a call is made again after an authorization. Two is what a client needs that is told of one scope at a time.
const MOST = 4;

// What a client keeps of its tokens and of itself, while it runs, and the browser that it opens: the user consents at once.
class Provider {
  constructor(job) {
    this.job = job;
    this.asked = [];
    if (job.client) this.clientMetadataUrl = job.client;
  }
  get redirectUrl() { return this.job.redirect; }
  get clientMetadata() {
    return {
      client_name: INFO.name,
      redirect_uris: [this.job.redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state() { return randomUUID(); }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  discoveryState() { return this.discovered; }
  saveDiscoveryState(state) { this.discovered = state; }
  redirectToAuthorization(url) { this.url = url; }
  // What the browser was redirected to.
  async consented() {
    const { url } = this;
    if (!url) throw new Error('unauthorized, and no authorization was asked for');
    this.url = undefined;
    this.asked.push((url.searchParams.get('scope') ?? '').split(' ').filter(Boolean));
    const answer = await fetch(url, { redirect: 'manual' });
    if (answer.status !== 302) throw new Error(`the authorization server says ${answer.status}: ${await answer.text()}`);
    return new URL(answer.headers.get('location')).searchParams;
  }
}

// The SDK's own provider, which gets the assertion with the SDK's own function.
function enterprise({ issuer, client, secret, idp, idp_client, idp_secret, id_token }) {
  const assertion = async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
    const came = await sdk.discoverAndRequestJwtAuthGrant({
      idpUrl: idp,
      audience: authorizationServerUrl,
      resource: resourceUrl,
      idToken: id_token,
      clientId: idp_client,
      clientSecret: idp_secret,
      scope,
      fetchFn,
    });
    return came.jwtAuthGrant;
  };
  return new sdk.CrossAppAccessProvider({ assertion, clientId: client, clientSecret: secret, expectedIssuer: issuer });
}

class Session {
  constructor(job) {
    this.job = job;
    this.provider = job.enterprise ? enterprise(job.enterprise) : new Provider(job);
    this.asked = this.provider.asked ?? [];
  }
  async connect() {
    const mode = this.job.mode === 'legacy' || this.job.mode === 'auto' ? this.job.mode : { pin: this.job.mode };
    this.client = new Client(INFO, generation === '1' ? {} : { versionNegotiation: { mode } });
    this.transport = new StreamableHTTPClientTransport(new URL(this.job.url), { authProvider: this.provider });
    await this.client.connect(this.transport);
    return 'connected';
  }
  // The SDK leaves it to the program to bring back what the browser was redirected to, and to call again.
  async again(call) {
    for (let left = MOST; ; left -= 1) {
      try {
        return await call();
      } catch (error) {
        if (this.job.enterprise || !unauthorized(error) || left === 0) throw error;
        const came = await this.provider.consented();
        await this.transport.finishAuth(generation === '1' ? came.get('code') : came);
      }
    }
  }
  async step(name) {
    if (name === 'connect') return await this.connect();
    if (name === 'tools') return (await this.client.listTools()).tools.map((tool) => tool.name).sort().join(', ');
    const result = await this.client.callTool({ name, arguments: {} });
    return `${result.isError ? 'error: ' : ''}${result.content.map((one) => one.text ?? '').join(' ')}`;
  }
}

function unauthorized(error) {
  for (let one = error; one; one = one.cause) if (one.constructor?.name === 'UnauthorizedError') return true;
  return false;
}

function told(error) {
  const said = [`${error.constructor?.name}: ${error.message}`, error.code, error.data && JSON.stringify(error.data)];
  return said.filter(Boolean).join(' ').replace(/\s+/g, ' ').slice(0, 400);
}

async function one(job) {
  const session = new Session(job);
  const steps = [];
  for (const step of ['connect', ...job.calls]) {
    const before = session.asked.length;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), job.seconds * 1000);
    });
    const work = session.again(() => session.step(step));
    work.catch(() => {});
    let came;
    try {
      came = { came: await Promise.race([work, late]) };
    } catch (error) {
      came = { error: told(error) };
    }
    clearTimeout(timer);
    steps.push({ step, ...came, asked: session.asked.slice(before) });
    if (step === 'connect' && came.error) break;
  }
  session.client?.close().catch(() => {});
  return steps;
}

let text = '';
for await (const part of process.stdin) text += part;
const done = await Promise.all(JSON.parse(text).map(one));
process.stdout.write(JSON.stringify(done), () => process.exit(0));
