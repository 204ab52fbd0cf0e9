// Loaded before mempool's backend (node --require), for what it has no setting of its own for.
//
// MEMPOOL_LISTEN_ADDRESS: where its servers listen. mempool names a port only, and Node.js then
// listens at every address of the machine.
//
// file: addresses, which axios refuses, give JSON: of a file what is in it; of a directory what a
// forge says of a tree, `{ "tree": [{ "path": …, "sha": … }] }`, with the hashes that git has.
'use strict';
const { createHash } = require('crypto');
const { readFileSync, readdirSync, statSync } = require('fs');
const { createRequire } = require('module');
const net = require('net');
const { join } = require('path');
const { fileURLToPath } = require('url');

const address = process.env.MEMPOOL_LISTEN_ADDRESS;

const isPort = (value) => typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));

if (address) {
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (first, second, ...rest) {
    if (isPort(first) && typeof second !== 'string') {
      return listen.call(this, first, address, ...(second === undefined ? [] : [second]), ...rest);
    }
    if (first !== null && typeof first === 'object' && isPort(first.port) && !first.host) {
      return listen.call(this, { ...first, host: address }, ...(second === undefined ? [] : [second]), ...rest);
    }
    return listen.call(this, ...arguments);
  };
}

function gitBlob(file) {
  const bytes = readFileSync(file);
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function read(path) {
  if (!statSync(path).isDirectory()) return JSON.parse(readFileSync(path, 'utf8'));
  const files = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile());
  return { tree: files.map(({ name }) => ({ path: name, sha: gitBlob(join(path, name)) })) };
}

// The backend's own axios: the program's path is the main script's.
function axiosOf(main) {
  try {
    return createRequire(main)('axios');
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

const axios = process.argv[1] ? axiosOf(process.argv[1]) : undefined;
if (axios) {
  axios.interceptors.request.use((config) => {
    if (typeof config.url === 'string' && config.url.startsWith('file:')) {
      const path = fileURLToPath(config.url);
      config.adapter = async () => ({ data: read(path), status: 200, statusText: 'OK', headers: {}, config });
    }
    return config;
  });
}
