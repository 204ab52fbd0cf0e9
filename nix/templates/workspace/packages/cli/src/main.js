#!/usr/bin/env node
import { greet } from "@workspace/greeting";

console.log(greet(process.argv[2] ?? "world"));
