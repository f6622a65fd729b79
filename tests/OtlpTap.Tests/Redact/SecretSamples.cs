namespace OtlpTap.Tests.Redact;

/// <summary>
/// Secrets as providers make them, by their documented forms, made anew from a seed so that no file has one in it.
/// Of a form: <c>{a40}</c> is letters and digits, <c>{l}</c> letters, <c>{h}</c> lower-case hex, <c>{u}</c> base64url,
/// <c>{b}</c> base64, <c>{A}</c> upper-case letters and digits, <c>{d}</c> digits.
/// </summary>
internal static class SecretSamples
{
    /// <summary>Keys that tell by themselves what they are.</summary>
    public static readonly (string Provider, string Form)[] Prefixed =
    [
        ("OpenAI", "sk-{a20}T3BlbkFJ{a20}"), ("OpenAI project", "sk-proj-{u74}T3BlbkFJ{u74}"), ("OpenAI service account", "sk-svcacct-{u58}T3BlbkFJ{u58}"), ("OpenAI admin", "sk-admin-{u58}T3BlbkFJ{u58}"),
        ("Anthropic", "sk-ant-api03-{u93}AA"), ("Anthropic admin", "sk-ant-admin01-{u93}AA"), ("Anthropic OAuth", "sk-ant-oat01-{u93}AA"),
        ("Google", "AIza{u35}"), ("Google OAuth secret", "GOCSPX-{u28}"), ("Google access token", "ya29.{u120}"),
        ("AWS", "AKIA{A16}"), ("AWS session", "ASIA{A16}"), ("AWS Bedrock", "ABSK{b109}="),
        ("GitHub", "ghp_{a36}"), ("GitHub OAuth", "gho_{a36}"), ("GitHub app", "ghs_{a36}"), ("GitHub fine-grained", "github_pat_{a22}_{a59}"),
        ("GitLab", "glpat-{u20}"), ("GitLab routable", "glpat-{u27}.01.{h9}"),
        ("Slack bot", "xoxb-{d12}-{d13}-{a24}"), ("Slack user", "xoxp-{d12}-{d12}-{d13}-{h32}"), ("Slack app", "xapp-1-A{A10}-{d13}-{h64}"), ("Slack webhook", "https://hooks.slack.com/services/T{A10}/B{A10}/{a24}"),
        ("Stripe", "sk_live_{a24}"), ("Stripe long", "sk_live_{a99}"), ("Stripe restricted", "rk_live_{a24}"), ("Stripe webhook", "whsec_{a32}"),
        ("Hugging Face", "hf_{l34}"), ("Groq", "gsk_{a52}"), ("Replicate", "r8_{a37}"), ("Perplexity", "pplx-{a48}"), ("xAI", "xai-{a80}"), ("OpenRouter", "sk-or-v1-{h64}"), ("DeepSeek", "sk-{h32}"),
        ("Cerebras", "csk-{a48}"), ("Fireworks", "fw_{a24}"), ("NVIDIA", "nvapi-{u64}"), ("Voyage", "pa-{u43}"), ("Tavily", "tvly-{a32}"), ("ElevenLabs", "sk_{h48}"), ("Helicone", "sk-helicone-{a7}-{a7}-{a7}-{a7}"), ("LiteLLM", "sk-{u22}"),
        ("Langfuse", "sk-lf-{h8}-{h4}-4{h3}-a{h3}-{h12}"), ("LangSmith", "lsv2_pt_{h32}_{h10}"), ("LangSmith service", "lsv2_sk_{h32}_{h10}"), ("Pinecone", "pcsk_{a6}_{a63}"),
        ("npm", "npm_{a36}"), ("PyPI", "pypi-AgEIcHlwaS5vcmc{u150}"), ("SendGrid", "SG.{u22}.{u43}"), ("Twilio", "SK{h32}"), ("Telegram", "{d10}:AA{u33}"), ("Databricks", "dapi{h32}"), ("Databricks with version", "dapi{h32}-2"),
        ("Azure OpenAI", "{a52}JQQJ99{a12}ACYeBjFXJ3w3AAAB{a6}"), ("Azure client secret", "{a3}8Q~{a34}"), ("Discord", "MT{a22}.G{a5}.{u38}"), ("DigitalOcean", "dop_v1_{h64}"), ("Shopify", "shpat_{h32}"), ("Notion", "ntn_{a46}"), ("Linear", "lin_api_{a40}"),
        ("Supabase", "sbp_{h40}"), ("Vault", "hvs.{u90}"), ("Grafana", "glsa_{a32}_{h8}"), ("Airtable", "pat{a14}.{h64}"), ("Atlassian", "ATATT3xFfGF0{u160}={A8}"), ("Mailgun", "key-{h32}"), ("Docker Hub", "dckr_pat_{u27}"), ("New Relic", "NRAK-{A27}"), ("Postman", "PMAK-{h24}-{h34}"),
        ("JWT", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{u60}.{u43}"),
    ];

    /// <summary>Random characters without a mark.</summary>
    public static readonly (string Provider, string Form)[] Plain =
    [
        ("Mistral", "{a32}"), ("Cohere", "{a40}"), ("AWS secret", "{b40}"), ("Azure storage", "{b86}=="), ("Cloudflare", "{u40}"),
    ];

    /// <summary>As <see cref="Plain"/> in hex, as hashes and ids of traces are written: only what stands around tells them.</summary>
    public static readonly (string Provider, string Form)[] PlainHex =
    [
        ("Azure OpenAI, old", "{h32}"), ("Datadog", "{h32}"), ("Weights and Biases", "{h40}"), ("Deepgram", "{h40}"), ("Together", "{h64}"), ("Twilio auth token", "{h32}"),
    ];

    /// <summary>Where they are met; <c>@</c> is the secret.</summary>
    public static readonly string[] Anywhere =
    [
        "@", "use @ for that", "It is @.", "`@`", "(@)", "first line\n@\nlast line", "key:@", "<@>", "my key is '@', please", """{"note":"@"}""", """{"body":"{\"note\":\"@\"}"}""",
        """{"a":["x","@",1]}""", "line\\n@\\nline", "https://api.example.com/v1?key=@&alt=json",
    ];

    /// <summary>Where what stands around says that it is a secret.</summary>
    public static readonly string[] Named =
    [
        "SOME_API_KEY=@", "export SERVICE_TOKEN=\"@\"", "x-api-key: @", "api-key: @", "Authorization: Bearer @", """curl -H "Authorization: Bearer @" https://api.example.com""", """client = Client(api_key="@")""",
        """{"apiKey":"@"}""", """{"headers":{"x-api-key":"@"}}""", """{"body":"{\"access_token\":\"@\",\"n\":1}"}""", "new Client({ apiKey: '@' })", "https://api.example.com/v1?api_key=@&alt=json", "client_secret: @", "AWS_SECRET_ACCESS_KEY=@", "password = '@'",
    ];

    /// <summary>Ids, hashes and names that look like secrets and are none.</summary>
    public static readonly (string What, string Form)[] Harmless =
    [
        ("trace id", "{h32}"), ("span id", "{h16}"), ("traceparent", "00-{h32}-{h16}-01"), ("UUID", "{h8}-{h4}-4{h3}-a{h3}-{h12}"), ("UUID without dashes", "{h32}"), ("SHA-1", "{h40}"), ("SHA-256", "sha256:{h64}"), ("SHA-512", "{h128}"), ("integrity", "sha512-{b86}=="), ("ETag", "W/\"{h32}\""),
        ("OpenAI call", "call_{a24}"), ("Anthropic call", "toolu_01{a22}"), ("Bedrock call", "tooluse_{u22}"), ("Gemini call", "function-call-{d19}"), ("AI SDK call", "aitxt-{a24}"), ("LangChain run", "run--{h8}-{h4}-4{h3}-a{h3}-{h12}-0"), ("completion", "chatcmpl-{a29}"), ("response", "resp_{h48}"), ("message", "msg_01{a22}"), ("output item", "msg_{h48}"), ("reasoning item", "rs_{h48}"),
        ("function item", "fc_{h48}"), ("thread", "thread_{a24}"), ("assistant", "asst_{a24}"), ("file", "file-{a22}"), ("vector store", "vs_{h32}"), ("batch", "batch_{h32}"), ("fingerprint", "fp_{h10}"), ("request", "req_{a24}"), ("Anthropic request", "req_011C{a20}"), ("generation", "gen-{d10}-{a20}"),
        ("ULID", "01K{A23}"), ("nanoid", "{u21}"), ("ObjectId", "{h24}"), ("KSUID", "2{a26}"), ("cuid", "c{h24}"), ("pod", "shop-agent-{h10}-x7k2p"), ("container", "docker-{h64}.scope"), ("arn", "arn:aws:bedrock:us-east-1:{d12}:agent/{A10}"), ("Stripe charge", "ch_{a24}"), ("Stripe payment", "pi_{a24}"), ("Stripe customer", "cus_{a14}"), ("Stripe publishable", "pk_live_{a24}"), ("Langfuse public", "pk-lf-{h8}-{h4}-4{h3}-a{h3}-{h12}"), ("Twilio account", "AC{h32}"),
        ("small picture", "data:image/png;base64,iVBORw0KGgo{b400}="), ("picture", "data:image/jpeg;base64,/9j/4AAQSkZJRg{b20000}=="), ("picture without its head", "iVBORw0KGgo{b4000}="), ("thought signature", "CiQB{b900}=="), ("embedding", "[0.{d8}, -0.{d8}, 0.{d8}]"),
        ("certificate", "-----BEGIN CERTIFICATE-----\\n{b64}\\n{b64}\\n{b40}==\\n-----END CERTIFICATE-----"),
        ("time", "2026-11-23T14:{d1}0:{d1}1.{d6}Z"), ("model", "us.anthropic.claude-sonnet-4-20250514-v1:0"), ("fine-tuned model", "ft:gpt-4o-mini-2024-07-18:acme::{a8}"), ("commit", "https://github.com/acme/shop/commit/{h40}"), ("order", "ORD-2026-{d8}"), ("nanoseconds", "17{d17}"), ("tracking", "1Z{A16}"),
        ("path", "/home/build/agent/node_modules/.pnpm/@ai-sdk+openai@4.2.7_zod@4.1.12/node_modules/@ai-sdk/openai/dist/index.mjs:1423:17"), ("type", "Microsoft.Extensions.AI.FunctionInvokingChatClient+FunctionInvocationContext"), ("test", "WhenTheCustomerAsksForARefundThenTheAgentCallsIssueRefund2Times"), ("header", "cf-ray: {h16}-FRA"), ("version", "6.0.0-preview.7.25380.108+{h40}"),
    ];

    public static readonly string[] HarmlessPlaces =
    [
        "@", "see @ for that", "It is @.", "`@`", """{"id":"@"}""", """{"tool_call_id":"@","name":"get_order"}""", """{"body":"{\"id\":\"@\"}"}""", "id=@", "first line\n@\nlast line", "https://example.com/items/@?page=2",
    ];

    public static string Make(string form, Random random)
    {
        var made = new System.Text.StringBuilder();
        for (var i = 0; i < form.Length; i++)
        {
            var end = form[i] == '{' ? form.IndexOf('}', i) : -1;
            if (end < 0)
            {
                made.Append(form[i]);
                continue;
            }

            made.Append(random.GetItems<char>(Alphabet(form[i + 1]), int.Parse(form.AsSpan(i + 2, end - i - 2), System.Globalization.CultureInfo.InvariantCulture)));
            i = end;
        }

        return made.ToString();
    }

    private static string Alphabet(char name) => name switch
    {
        'a' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        'l' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        'h' => "0123456789abcdef",
        'u' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        'b' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        'A' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        'd' => "0123456789",
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };
}
