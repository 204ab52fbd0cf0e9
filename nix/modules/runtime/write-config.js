// Writes a backend's config: the settings, with secrets from systemd's credentials filled in.
//
//   node write-config.js TEMPLATE OUTPUT
//
// In the template, { "_credential": NAME } stands for the text of that credential without its last
// line break; with "_part": "user" or "password", for what is before or after its first colon.
'use strict';
const { readFileSync, writeFileSync, renameSync } = require('fs');
const { join } = require('path');

const [template, output] = process.argv.slice(2);
const directory = process.env.CREDENTIALS_DIRECTORY || '';

function secret({ _credential: name, _part: part }) {
  const text = readFileSync(join(directory, name), 'utf8').replace(/\r?\n$/, '');
  if (part === undefined) return text;
  const colon = text.indexOf(':');
  if (colon < 0) throw new Error(`the file given for ${name} has no colon: it must hold user:password`);
  return part === 'user' ? text.slice(0, colon) : text.slice(colon + 1);
}

function fill(value) {
  if (Array.isArray(value)) return value.map(fill);
  if (value === null || typeof value !== 'object') return value;
  if ('_credential' in value) return secret(value);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fill(inner)]));
}

const settings = fill(JSON.parse(readFileSync(template, 'utf8')));
writeFileSync(`${output}.new`, JSON.stringify(settings, null, 2) + '\n', { mode: 0o600 });
renameSync(`${output}.new`, output);
