// Unpacks tarballs with npm's own code, one after the other: spares a start of Node.js for each.
//
// Usage: node unpack_server.js PACOTE SCRATCH
// Reads a tarball's path a line from stdin; answers with a line of JSON each:
// {"tree": {path: [mode, sha256]}} or {"error": "…"}.
'use strict'
const fs = require('fs')
const path = require('path')
const crypto = require('crypto')
const readline = require('readline')
const [, , pacote, scratch] = process.argv
const Fetcher = require(path.join(pacote, 'lib/fetcher.js'))
const { Minipass } = require(require.resolve('minipass', { paths: [pacote] }))

// What a registry's tarball goes through, without the network before it.
class Local extends Fetcher {
  constructor (file) {
    super('local@1.0.0', { umask: 0o22, cache: path.join(scratch, 'cache') })
    this.file = file
  }

  get types () {
    return ['version']
  }

  tarballStream (handler) {
    const stream = new Minipass()
    const done = handler(stream)
    stream.end(fs.readFileSync(this.file))
    return done
  }
}

const walk = (directory, prefix, tree) => {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const name = path.join(directory, entry.name)
    if (entry.isDirectory()) {
      walk(name, `${prefix}${entry.name}/`, tree)
    } else {
      const hash = crypto.createHash('sha256').update(fs.readFileSync(name)).digest('hex')
      tree[prefix + entry.name] = [fs.lstatSync(name).mode & 0o777, hash]
    }
  }
  return tree
}

let count = 0

const answer = async file => {
  // each in a place of its own: one that hung may still write
  const out = path.join(scratch, `npm-${count++}`)
  const target = path.join(out, 'package')
  let timer
  try {
    const hang = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('it never ends')), 60000)
    })
    await Promise.race([new Local(file).extract(target), hang])
    if (fs.readdirSync(out).length !== 1) {
      return { error: 'it left its directory' }
    }
    return { tree: walk(target, '', {}) }
  } catch (error) {
    return { error: String(error.message) }
  } finally {
    clearTimeout(timer)
    fs.rmSync(out, { recursive: true, force: true })
  }
}

process.umask(0o22)
process.on('uncaughtException', () => {}) // npm would end here: an error, which the timer reports
let queue = Promise.resolve()
readline.createInterface({ input: process.stdin }).on('line', line => {
  queue = queue.then(() => answer(line)).then(result => {
    process.stdout.write(JSON.stringify(result) + '\n')
  })
})
