// Makes the requests of exchange.py with Node's clients: http, with an agent that keeps its connections, and http2.
//
//     node exchange.mjs HOST:PORT

import http from "node:http";
import http2 from "node:http2";
import { Readable } from "node:stream";

const kilobyte = 1024, megabyte = 1024 * 1024;
const sizes = [0, 5, 64 * kilobyte, megabyte, 20 * megabyte];
// The limit of /echo/whole.
const whole = 16 * megabyte;
const pages = [["/", 200], ["/plaintext", 200], ["/headers", 200], ["/healthz", 200], ["/nowhere", 404]];
const patience = 60_000;
const [host, port] = process.argv[2].split(":");

function* pieces(data) {
  for (let start = 0; start < data.length; start += 16 * kilobyte) yield data.subarray(start, start + 16 * kilobyte);
}

function expect(what, found, wanted) {
  if (found === wanted) return;
  console.error(`${what}: ${String(found).slice(0, 200)} instead of ${wanted}`);
  process.exit(1);
}

// Makes all requests. `ask` takes a method, a path, content and whether to send it in chunks; it returns status and content.
async function check(name, ask) {
  const none = Buffer.alloc(0);
  for (const [path, status] of pages) expect(`${name}: ${path}`, (await ask("GET", path, none)).status, status);
  expect(`${name}: HEAD`, (await ask("HEAD", "/plaintext", none)).status, 200);
  for (const size of sizes) {
    for (const isChunked of [false, true]) {
      const what = `${name}: ${size} bytes${isChunked ? " in chunks" : ""}`;
      const data = Buffer.alloc(size, "0123456789abcdef");
      const echo = await ask("POST", "/echo/whole", data, isChunked);
      expect(`${what}, echoed`, echo.status, size > whole ? 413 : 200);
      if (size <= whole) expect(`${what}, the echo`, echo.body.equals(data), true);
      for (const [path, status] of [["/nowhere", 404], ["/plaintext", 405]]) {
        expect(`${what} to ${path}`, (await ask("POST", path, data, isChunked)).status, status);
        const next = await ask("GET", "/plaintext", none);
        expect(`${what} to ${path}, the next request`, `${next.status} ${next.body}`, "200 Hello, World!");
      }
    }
  }
  const events = await ask("GET", "/stream?count=3&ms=1", none);
  expect(`${name}: events`, String(events.body).split("event: tick").length, 4);
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function withHTTP1() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  await check("Node's http", (method, path, data, isChunked) => new Promise((resolve, reject) => {
    const headers = isChunked ? { "Transfer-Encoding": "chunked" } : data.length ? { "Content-Length": data.length } : {};
    const request = http.request({ agent, host, port, method, path, headers, timeout: patience });
    let isAnswered = false;
    request.on("response", async (response) => {
      isAnswered = true;
      resolve({ status: response.statusCode, body: await collect(response) });
    });
    request.on("timeout", () => request.destroy(new Error("it takes too long")));
    // A server that has answered may stop reading.
    request.on("error", (error) => { if (!isAnswered) reject(error); });
    Readable.from(pieces(data)).pipe(request);
  }));
  agent.destroy();
}

async function withHTTP2() {
  const session = http2.connect(`http://${host}:${port}`);
  await check("Node's http2", (method, path, data) => new Promise((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path }, { endStream: data.length === 0 });
    let status;
    stream.setTimeout(patience, () => stream.destroy(new Error("it takes too long")));
    stream.on("response", (fields) => { status = fields[":status"]; });
    stream.on("error", reject);
    collect(stream).then((body) => resolve({ status, body }), reject);
    if (data.length) Readable.from(pieces(data)).pipe(stream);
  }));
  session.close();
}

await withHTTP1();
await withHTTP2();
