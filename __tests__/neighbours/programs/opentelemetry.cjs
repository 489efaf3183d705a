const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
const instrumentation = new HttpInstrumentation();
instrumentation.setTracerProvider(provider);
instrumentation.enable();

// It patches modules as they are loaded.
require('node:http');
const axios = require('axios');
const { priorityAdapter } = require('axios-priority-adapter');

async function main() {
  const { backends, print } = await import('./pool.mjs');
  await axios.create({ adapter: priorityAdapter(backends) }).post('/x', { a: 1 });
  const attribute = ({ attributes }, ...names) =>
    names.map((name) => attributes[name]).find((value) => value !== undefined);
  const spans = exporter.getFinishedSpans().map((span) => ({
    port: attribute(span, 'server.port', 'net.peer.port'),
    status: attribute(span, 'http.response.status_code', 'http.status_code'),
  }));
  print(spans);
}

main();
