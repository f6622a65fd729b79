// A shop's agent on the Vercel AI SDK: reads a question on standard input, asks a model (OPENAI_BASE_URL), which has one
// tool, and prints the answer. Its telemetry goes where OTEL_EXPORTER_OTLP_ENDPOINT says, under TRACEPARENT.
//   AGENT_BUG=1       the tool cannot read amounts with a comma
//   AGENT_API=responses | chat, AGENT_STREAM=1
import { readFileSync } from 'node:fs';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const provider = new BasicTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

function amount(text) {
  const number = Number(process.env.AGENT_BUG ? text : text.replace(',', '.'));
  if (Number.isNaN(number)) {
    throw new RangeError(`not an amount: ${text}`);
  }
  return number;
}

const openai = createOpenAI();
const model = process.env.AGENT_API === 'chat' ? openai.chat('gpt-4o-mini') : openai.responses('gpt-4o-mini');
const request = {
  model,
  system: 'You are the assistant of a shop. Refund what the customer asks for.',
  prompt: readFileSync(0, 'utf8').trim(),
  maxRetries: 0,
  stopWhen: stepCountIs(3),
  tools: {
    refund: tool({
      description: 'Pays money back.',
      inputSchema: z.object({ order: z.string(), amount: z.string() }),
      execute: async ({ order, amount: text }) => ({ order, refunded: amount(text) }),
    }),
  },
  experimental_telemetry: { isEnabled: true, functionId: 'shop' },
};

const parent = propagation.extract(context.active(), { traceparent: process.env.TRACEPARENT });
let code = 0;
try {
  await context.with(parent, async () => {
    if (process.env.AGENT_STREAM) {
      const result = streamText({ ...request, onError: ({ error }) => { throw error; } });
      for await (const piece of result.textStream) {
        process.stdout.write(piece);
      }
      await result.finishReason;
    } else {
      process.stdout.write((await generateText(request)).text);
    }
  });
} catch (error) {
  console.error(error.message, error.responseBody ?? '');
  code = 1;
}
await provider.forceFlush();
await provider.shutdown();
process.exitCode = code;
