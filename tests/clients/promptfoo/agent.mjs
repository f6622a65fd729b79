// An agent for promptfoo, offline: AGENT=broken repeats the captured failures, AGENT=fixed does not.
const broken = process.env.AGENT === 'broken';

export default class Agent {
  id() {
    return 'agent';
  }

  async callApi(prompt, context) {
    const [, traceId, parentSpanId] = context.traceparent.split('-');
    const now = BigInt(Date.now()) * 1000000n;
    const isToolAtFault = broken && context.test.metadata.failure === 'tool_error';
    const response = await fetch(`${process.env.RECEIVER}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans: [{
        traceId, spanId: 'a0a0a0a0a0a0a0a0', parentSpanId, name: 'execute_tool get_weather', kind: 1,
        startTimeUnixNano: `${now}`, endTimeUnixNano: `${now + 1000000n}`, attributes: [], status: { code: isToolAtFault ? 2 : 1 },
      }] }] }] }),
    });
    if (!response.ok) {
      throw new Error(`the receiver answered ${response.status}`);
    }

    const answers = { empty_output: '', hallucination: 'Žluťoučký 🐎: it is 45 °C.' };
    const answer = broken ? answers[context.test.metadata.failure] ?? 'I could not reach the service.' : 'It is 4 °C.';
    return { output: answer, metadata: { received: prompt } };
  }
}
