#!/usr/bin/env node
// Runs the program of the package for this platform, with the same arguments, streams and exit code.
'use strict';
const { spawnSync } = require('node:child_process');

// Alpine and the like have another C library; Node says so by what it was built with.
const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
const name = `mcpctl-${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
const file = process.platform === 'win32' ? 'mcpctl.exe' : 'mcpctl';

let program;
try {
  program = require.resolve(`${name}/${file}`);
} catch {
  console.error(`mcpctl: the package ${name} is not installed. Where optional dependencies are left out (npm's --omit=optional), allow them; where no such package exists, build mcpctl from its sources.`);
  process.exit(2);
}
const run = spawnSync(program, process.argv.slice(2), { stdio: 'inherit' });
if (run.error) {
  console.error(`mcpctl: ${program} cannot be run: ${run.error.message}`);
  process.exit(2);
}
// What a signal ended is told to the shell by its number, as shells do.
process.exit(run.signal ? 128 + require('node:os').constants.signals[run.signal] : run.status);
