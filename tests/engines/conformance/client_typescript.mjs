// The official TypeScript SDKs as a client: `client_typescript.mjs FOLDER GENERATION`, with jobs on standard input and what
// came of each on standard output. A job: {url, mode, step, tool, seconds}. Each has a session of its own, and all run at
// the same time.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, generation] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const ANSWER = 'an answer of the client';

const sample = async () => ({ role: 'assistant', content: { type: 'text', text: ANSWER }, model: 'none' });
const elicit = async (request) => ({
  action: 'accept',
  content: Object.fromEntries(Object.keys(request.params.requestedSchema.properties).map((key) => [key, ANSWER])),
});
const INFO = { name: 'conformance tests', version: '1' };
const CAPABILITIES = { capabilities: { sampling: {}, elicitation: {} } };

// Loaded before the time of any session begins.
const names = generation === '1'
  ? ['client/index.js', 'client/streamableHttp.js', 'types.js'].map((name) => `@modelcontextprotocol/sdk/${name}`)
  : ['@modelcontextprotocol/client'];
const modules = await Promise.all(names.map(load));

function older(job, logged) {
  const [{ Client }, { StreamableHTTPClientTransport }, types] = modules;
  const client = new Client(INFO, CAPABILITIES);
  client.setRequestHandler(types.CreateMessageRequestSchema, sample);
  client.setRequestHandler(types.ElicitRequestSchema, elicit);
  client.setNotificationHandler(types.LoggingMessageNotificationSchema, (one) => logged.push(one));
  return [client, new StreamableHTTPClientTransport(new URL(job.url))];
}

function newer(job, logged) {
  const [{ Client, StreamableHTTPClientTransport }] = modules;
  const mode = job.mode === 'legacy' || job.mode === 'auto' ? job.mode : { pin: job.mode };
  const client = new Client(INFO, { ...CAPABILITIES, versionNegotiation: { mode } });
  client.setRequestHandler('sampling/createMessage', sample);
  client.setRequestHandler('elicitation/create', elicit);
  client.setNotificationHandler('notifications/message', (one) => logged.push(one));
  return [client, new StreamableHTTPClientTransport(new URL(job.url))];
}

// What there is to compare. A call whose answer the client has a part in says so.
async function step(client, job, logged) {
  if (job.step === 'initialize') return client.getServerVersion().name;
  if (job.step === 'tools') {
    const names = (await client.listTools()).tools.map((tool) => tool.name);
    return names.filter((name) => !name.startsWith('__')).sort().join(', ');
  }
  if (job.step === 'logging') await client.setLoggingLevel('debug');
  if (job.step === 'argument in a header') await client.listTools();
  const args = {
    sampling: { prompt: 'x' },
    elicitation: { message: 'x' },
    'argument in a header': { region: 'Zürich ', level: 1 },
  }[job.step] ?? {};
  const result = await client.callTool({ name: job.tool, arguments: args });
  if (job.step === 'logging') return `${logged.length} messages logged`;
  return `${result.isError ? 'error' : 'result'}: ${result.content.map((one) => one.text ?? '').join(' ')}`;
}

async function one(job) {
  let client, timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), job.seconds * 1000);
  });
  const work = (async () => {
    const logged = [];
    let transport;
    [client, transport] = (generation === '1' ? older : newer)(job, logged);
    await client.connect(transport);
    return await step(client, job, logged);
  })();
  try {
    return { came: await Promise.race([work, late]) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}`.replace(/\s+/g, ' ').slice(0, 300) };
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
    client?.close().catch(() => {});
  }
}

let text = '';
for await (const part of process.stdin) text += part;
const done = await Promise.all(JSON.parse(text).map(one));
process.stdout.write(JSON.stringify(done), () => process.exit(0));
