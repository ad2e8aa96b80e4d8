// Reads AsyncAPI documents by AsyncAPI's own parser, one line for each: `ok`, or what is wrong with it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [packages, ...files] = process.argv.slice(2);
const { Parser } = createRequire(join(packages, 'package.json'))('@asyncapi/parser');
const parser = new Parser();
for (const file of files) {
  const { diagnostics } = await parser.parse(readFileSync(file, 'utf8'));
  // The most severe is 0; 2 and 3 say what else one might write, such as a licence.
  const faults = diagnostics.filter(({ severity }) => severity <= 1);
  console.log(faults.length ? faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') : 'ok');
}
