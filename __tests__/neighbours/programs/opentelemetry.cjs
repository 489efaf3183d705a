const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { SpanKind, trace } = require('@opentelemetry/api');

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

// What is to be traced is loaded after that.
const axios = require('axios');
const { priorityAdapter } = require('axios-priority-adapter');

const [, , first, second] = process.argv;
const adapter = priorityAdapter([{ baseURL: first }, { baseURL: second, priority: 2 }]);
const client = axios.create({ adapter });

trace.getTracer('test').startActiveSpan('caller', async (caller) => {
  await client.post('/x', { n: 1 });
  caller.end();
  const parent = caller.spanContext().spanId;
  const spans = exporter
    .getFinishedSpans()
    .filter(({ kind }) => kind === SpanKind.CLIENT)
    .map(({ attributes, parentSpanContext }) => ({
      method: attributes['http.request.method'],
      url: attributes['url.full'],
      status: attributes['http.response.status_code'],
      isChild: parentSpanContext?.spanId === parent,
    }));
  console.log(JSON.stringify({ spans }));
});
