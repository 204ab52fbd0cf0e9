#!/usr/bin/env node
const { add } = require("./index.js");

const [left, right] = process.argv.slice(2).map(Number);
console.log(add(left, right));
