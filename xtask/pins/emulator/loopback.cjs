// Loaded into kinesis-local before it starts:
//
//     INITIALIZE_STREAMS=NAME:SHARDS:REGION node --require ./loopback.cjs node_modules/kinesis-local/main.js
//
// It owns how the emulator meets the machine, for which kinesis-local has no options:
//
// - It listens on 127.0.0.1 only; by itself it would offer its streams to the whole network.
// - The system chooses the ports, and one line on stdout tells them once both sockets are open:
//   {"plain":PORT,"tls":PORT}. Nothing else comes on stdout; logs go to stderr.
// - It ends when its stdin closes, and so with its parent, however that one ends. A parent that wants
//   to leave it behind writes "keep" to its stdin first.
// - It ends at once, also by SIGTERM; by itself it would wait half a minute for its clients.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");

// Ports that no server asks for, so that the number tells which of the two sockets is meant.
const NAMES = { 1: "plain", 2: "tls" };
process.env.KINESIS_MOCK_PLAIN_PORT = "1";
process.env.KINESIS_MOCK_TLS_PORT = "2";
// By default it is looked for in the working directory, and nothing starts where it is not.
process.env.KINESIS_MOCK_CERT_PATH ??= path.join(path.dirname(process.argv[1] ?? "."), "server.json");
process.env.CREATE_STREAM_DURATION ??= "10ms";

process.stdout.write = process.stderr.write.bind(process.stderr);

const ports = {};
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
  const { port, rest } = understood(args);
  this.once("listening", () => {
    ports[NAMES[port]] = this.address().port;
    if ("plain" in ports && "tls" in ports) {
      fs.writeSync(1, `${JSON.stringify(ports)}\n`);
    }
  });
  return listen.call(this, { ...rest, port: 0, host: "127.0.0.1" }, ...args.filter(isFunction));
};

/** The port that any form of `listen` asks for, and the options beside it that do not say where. */
function understood([first, ...more]) {
  const { port, host, path: socket, fd, handle, ...rest } =
    first !== null && typeof first === "object" ? first : { port: first, backlog: more.find(Number.isInteger) };
  if (!(port in NAMES)) {
    // A path, a descriptor, a port that nobody announced: refused rather than guessed.
    throw new Error(`loopback.cjs: kinesis-local is not expected to listen on ${JSON.stringify(first)}`);
  }
  return { port, rest };
}

function isFunction(value) {
  return typeof value === "function";
}

// kinesis-local puts a slower one in its place.
const exit = process.exit.bind(process);

process.on("SIGTERM", () => exit(143));

let said = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  said += text;
});
process.stdin.on("end", () => {
  if (said.trim() !== "keep") {
    exit(0);
  }
});
