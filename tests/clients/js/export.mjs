// Exports with the exporters of the OpenTelemetry JavaScript SDK, and prints what came of it as one line of JSON.
//   node export.mjs <grpc|http|proto|logs|metrics> <url> <none|gzip> <how many>
// {"code":0,"error":null,"ids":["<16 hex digits>", ...]}    code 0: the SDK calls it a success
import { diag, DiagConsoleLogger, DiagLogLevel } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { LoggerProvider, InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

const [kind, url, compression, count] = process.argv.slice(2);
const options = { url, compression };
const resource = resourceFromAttributes({ 'service.name': 'js-agent' });
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.NONE);

async function traceExporter() {
  switch (kind) {
    case 'grpc': return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter(options);
    case 'http': return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(options);
    case 'proto': return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(options);
    default: throw new Error(`unknown kind ${kind}`);
  }
}

function spans() {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(memory)] });
  const tracer = provider.getTracer('js-client');
  for (let i = 0; i < Number(count); i++) {
    const span = tracer.startSpan('execute_tool flaky', { attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'flaky', 'js.index': i, 'js.text': 'žluťoučký 🐎' } });
    if (i === 0) {
      span.setAttribute('error.type', 'timeout');
      span.setStatus({ code: 2, message: 'timed out' });
    }
    span.addEvent('an event', { n: 1.5 });
    span.end();
  }
  return memory.getFinishedSpans();
}

async function logRecords() {
  const memory = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: memory })] });
  const logger = provider.getLogger('js-client');
  for (let i = 0; i < Number(count); i++) logger.emit({ body: `line ${i}`, attributes: { 'js.index': i } });
  await provider.forceFlush();
  return memory.getFinishedLogRecords();
}

async function resourceMetrics() {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3600000 });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const counter = provider.getMeter('js-client').createCounter('js.requests');
  for (let i = 0; i < Number(count); i++) counter.add(1, { index: i });
  await provider.forceFlush();
  return memory.getMetrics()[0];
}

let exporter;
let items;
let ids = [];
if (kind === 'logs') {
  exporter = new (await import('@opentelemetry/exporter-logs-otlp-http')).OTLPLogExporter(options);
  items = await logRecords();
} else if (kind === 'metrics') {
  exporter = new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter(options);
  items = await resourceMetrics();
} else {
  exporter = await traceExporter();
  items = spans();
  ids = items.map((span) => span.spanContext().spanId);
}

const result = await new Promise((resolve) => exporter.export(items, resolve));
console.log(JSON.stringify({ code: result.code, error: result.error ? String(result.error.message) : null, ids }));
await exporter.shutdown();
