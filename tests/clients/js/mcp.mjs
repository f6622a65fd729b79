// Calls the tap's tools with the protocol's own client.
// node mcp.mjs <url> <service> <agent> <tool>
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, service, agent, tool] = process.argv.slice(2);
const client = new Client({ name: "test", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
await client.ping();
const { tools } = await client.listTools();
console.log(JSON.stringify({
  server: client.getServerVersion(),
  tools: tools.map(each => each.name),
  health: await client.callTool({ name: "get_my_health", arguments: { service, agent } }),
  advice: await client.callTool({ name: "get_advice", arguments: { service, agent, tool } }),
  unknown: await client.callTool({ name: "get_my_health", arguments: { service: "nobody", agent } }),
}));
await client.close();
