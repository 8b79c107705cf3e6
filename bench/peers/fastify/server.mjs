// The lab's service with Fastify: its own JSON schemas, pino to a file, its JWT, rate-limit and WebSocket plugins, prom-client.
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import jwt from '@fastify/jwt';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import pino from 'pino';
import prometheus from 'prom-client';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    chain: { type: 'string', default: 'none' },
    log: { type: 'string', default: '/dev/null' },
    file: { type: 'string', default: '' },
    routes: { type: 'string', default: '0' },
    h2c: { type: 'boolean', default: false },
  },
});

const object = (properties, rules = {}) => ({ type: 'object', properties, ...rules });
const text = { type: 'string' };
const answers = (schema, status = 200) => ({ response: { [status]: schema } });
const person = { id: { type: 'integer' }, name: text, email: text };
const newUser = object(
  {
    name: { type: 'string', minLength: 1, maxLength: 80 },
    email: { type: 'string', format: 'email' },
    age: { type: 'integer', minimum: 0, maximum: 150 },
  },
  { required: ['name', 'email', 'age'] },
);
const blob = 'w'.repeat(4096);

async function routes(app) {
  app.get('/json', { schema: answers(object({ message: text })) }, async () => ({ message: 'Hello, World!' }));
  app.get(
    '/users/:id',
    { schema: { params: object({ id: { type: 'integer' } }), ...answers(object(person)) } },
    async (request) => ({ id: request.params.id, name: 'Ada Lovelace', email: 'ada@example.com' }),
  );
  app.post(
    '/users',
    { schema: { body: newUser, ...answers(object({ ...person, age: { type: 'integer' } }), 201) } },
    async (request, reply) => {
      reply.code(201);
      return { id: 1, ...request.body };
    },
  );
  app.get('/file', async (request, reply) => {
    const { size } = await stat(options.file);
    reply.type('application/octet-stream').header('content-length', size);
    return createReadStream(options.file, { highWaterMark: 256 * 1024 });
  });
  app.get('/4k', async (request, reply) => {
    reply.type('text/plain');
    return blob;
  });
  app.get('/panic', async () => {
    throw new Error('asked for');
  });
  for (let i = 0; i < Number(options.routes); i++) {
    const path = `/api/svc${Math.floor(i / 10000)}/res${Math.floor(i / 100) % 100}/:id/act${i % 100}`;
    app.get(path, async (request) => request.params.id);
  }
}

// In front of every route. What a handler throws is answered with 500 by Fastify itself.
async function production(app, log) {
  const duration = new prometheus.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests',
    labelNames: ['method', 'route', 'status'],
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url;
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    log.info({
      request_id: request.id,
      method: request.method,
      path: request.url,
      route,
      status: reply.statusCode,
      latency_ms: reply.elapsedTime,
      ip: request.ip,
      user_agent: request.headers['user-agent'],
    });
  });
  await app.register(jwt, { secret: process.env.LAB_JWT_SECRET, verify: { algorithms: ['HS256'] } });
  app.addHook('onRequest', (request) => request.jwtVerify());
  await app.register(rateLimit, { max: 1_000_000_000, timeWindow: '1 minute' });
  await app.register(routes);
}

// What the collector did since the start.
const collector = { gc_pauses: 0, gc_pause_total_ms: 0, gc_pause_max_ms: 0 };
new PerformanceObserver((list) => {
  for (const { duration, detail } of list.getEntries()) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) continue; // a step beside the program, not a pause
    collector.gc_pauses += 1;
    collector.gc_pause_total_ms += duration;
    collector.gc_pause_max_ms = Math.max(collector.gc_pause_max_ms, duration);
  }
}).observe({ entryTypes: ['gc'] });

// Fastify's own request log writes two lines for a request; production() writes one, through a buffer.
const app = Fastify({
  logger: false,
  http2: options.h2c,
  genReqId: () => randomUUID(),
  requestIdHeader: 'x-request-id',
  keepAliveTimeout: 120_000,
  handlerTimeout: options.chain === 'production' ? 5_000 : 0,
});
app.get('/runtime', async () => collector);
if (!options.h2c) {
  await app.register(websocket);
  await app.register(async (scope) => {
    scope.get('/ws', { websocket: true }, (socket) => {
      socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
    });
  });
}
let sink;
if (options.chain === 'production') {
  sink = pino.destination({ dest: options.log, sync: false, minLength: 64 * 1024, maxWrite: 256 * 1024, periodicFlush: 1000 });
  const log = pino(sink);
  app.get('/metrics', async (request, reply) => {
    reply.type(prometheus.register.contentType);
    return prometheus.register.metrics();
  });
  await app.register((scope) => production(scope, log));
} else {
  await app.register(routes);
}
await app.listen({ port: Number(options.port), host: '127.0.0.1' });
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    sink?.flushSync();
    process.exit(0);
  });
}
