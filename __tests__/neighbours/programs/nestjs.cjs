require('reflect-metadata');
const { HttpModule, HttpService } = require('@nestjs/axios');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { priorityAdapter } = require('axios-priority-adapter');
const { firstValueFrom } = require('rxjs');

async function main() {
  const { backends, print, tried } = await import('./pool.mjs');
  class App {}
  Module({ imports: [HttpModule.register({ adapter: priorityAdapter(backends) })] })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: false });
  const { data, attempts } = await firstValueFrom(app.get(HttpService).post('/x', { a: 1 }));
  print({ data, tried: tried(attempts) });
  await app.close();
}

main();
