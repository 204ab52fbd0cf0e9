// Makes bitcoind's RPC users, in STATE_DIRECTORY:
//
//   NAME.password   a password, made once
//   NAME.cookie     user:password, as what reads bitcoind's cookie wants it
//   bitcoin.conf    their hashes and what they may call, for bitcoind to include
//
// RPC_USERS: name -> calls, as JSON. A user without a list of calls, such as the one of bitcoind's
// cookie, stays an administrator.
'use strict';
const { createHmac, randomBytes } = require('crypto');
const { existsSync, readFileSync, renameSync, writeFileSync } = require('fs');
const { join } = require('path');

const directory = process.env.STATE_DIRECTORY;
const users = JSON.parse(process.env.RPC_USERS);

function write(name, mode, text) {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

function password(user) {
  const path = join(directory, `${user}.password`);
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const made = randomBytes(32).toString('hex');
  write(`${user}.password`, 0o600, made);
  return made;
}

process.umask(0o027);
const lines = ['rpcwhitelistdefault=0'];
for (const [user, calls] of Object.entries(users)) {
  const secret = password(user);
  write(`${user}.cookie`, 0o600, `${user}:${secret}`);
  const salt = randomBytes(16).toString('hex');
  const hash = createHmac('sha256', salt).update(secret).digest('hex');
  lines.push(`rpcauth=${user}:${salt}$${hash}`, `rpcwhitelist=${user}:${calls.join(',')}`);
}
write('bitcoin.conf', 0o640, `${lines.join('\n')}\n`);
