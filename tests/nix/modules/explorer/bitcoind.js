// Stands for bitcoind: bitcoind.js CONFIG DATADIR PORT
//
// It reads its chain from before the first section only, users and what they may call from the file
// that is included, writes another cookie at each start, and knows a few calls.
'use strict';
const { createHmac, randomBytes } = require('crypto');
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('fs');
const { join } = require('path');

const [config, data, port] = process.argv.slice(2);
const read = (file) => readFileSync(file, 'utf8').split('\n').map((line) => line.trim()).filter(Boolean);
const own = read(config);
const section = own.findIndex((line) => line.startsWith('['));
const top = section < 0 ? own : own.slice(0, section);
const included = own.filter((line) => line.startsWith('includeconf=')).flatMap((line) => read(line.slice(12)));
const chain = ['regtest', 'signet', 'testnet4'].find((name) => top.includes(`${name}=1`)) || 'main';

const values = (name) => included.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
const users = Object.fromEntries(values('rpcauth').map((line) => line.split(/:(.*)/)));
const lists = Object.fromEntries(values('rpcwhitelist').map((line) => line.split(/:(.*)/)));

const directory = join(data, chain === 'main' ? '' : chain);
mkdirSync(directory, { recursive: true });
const cookie = randomBytes(16).toString('hex');
writeFileSync(join(directory, '.cookie'), `__cookie__:${cookie}`, { mode: 0o600 });
const file = join(directory, 'height');
const height = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);

function knows(user, password) {
  if (user === '__cookie__') return password === cookie;
  const [salt, hash] = (users[user] || '').split('$');
  return Boolean(hash) && createHmac('sha256', salt).update(password).digest('hex') === hash;
}

const calls = {
  getblockcount: height,
  getblockchaininfo: () => ({ chain, blocks: height() }),
  createwallet: () => ({}),
  generate: (blocks) => writeFileSync(file, String(height() + Number(blocks))),
};

require('http').createServer((request, response) => {
  let text = '';
  request.on('data', (part) => { text += part; });
  request.on('end', () => {
    const given = Buffer.from((request.headers.authorization || ' ').split(' ')[1], 'base64').toString();
    const [user, password] = given.split(/:(.*)/);
    const { method, params = [] } = JSON.parse(text);
    if (!knows(user, password)) return response.writeHead(401).end();
    if (lists[user] && !lists[user].split(',').includes(method)) return response.writeHead(403).end();
    return response.end(JSON.stringify({ result: (calls[method] || (() => null))(...params) }));
  });
}).listen(Number(port), '127.0.0.1');
