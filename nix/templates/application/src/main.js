#!/usr/bin/env node
import colors from "picocolors";

const whom = process.argv[2] ?? "world";

console.log(`Hello, ${colors.bold(whom)}!`);
