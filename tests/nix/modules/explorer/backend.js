// Stands for mempool's backend: it asks bitcoind, keeps what it heard in its database, and tells
// what it kept. As mempool does, it names a port and no address.
'use strict';
const { execFileSync } = require('child_process');
const { readFileSync } = require('fs');
const http = require('http');
const { CORE_RPC, DATABASE, MEMPOOL } = JSON.parse(readFileSync(process.env.MEMPOOL_CONFIG_FILE, 'utf8'));

const sql = (statement) => execFileSync('/usr/bin/mariadb', [
  '--no-defaults', `--socket=${DATABASE.SOCKET}`, `--user=${DATABASE.USERNAME}`, DATABASE.DATABASE,
  '--skip-column-names', '--batch', `--execute=${statement}`,
], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
sql('CREATE TABLE IF NOT EXISTS heights (height INT)');

setInterval(() => {
  const auth = `${CORE_RPC.USERNAME}:${CORE_RPC.PASSWORD}`;
  const asked = http.request({ host: CORE_RPC.HOST, port: CORE_RPC.PORT, method: 'POST', auth }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; });
    response.on('end', () => {
      try {
        sql(`INSERT INTO heights VALUES (${JSON.parse(text).result})`);
      } catch { /* bitcoind or the database is not there; it asks again */ }
    });
  });
  asked.on('error', () => {});
  asked.end('{"method": "getblockcount"}');
}, 500);

http.createServer((request, response) => {
  try {
    response.end(request.url.endsWith('/tip/height') ? sql('SELECT MAX(height) FROM heights').trim() : '{}');
  } catch {
    response.writeHead(500).end();
  }
}).listen(MEMPOOL.HTTP_PORT);
