using System.Collections.Immutable;
using OtlpTap.Forward;
using OtlpTap.Judges;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.detectors.judge</c>: one evaluator, or a list of them with names.</summary>
internal static class JudgeSection
{
    // A template is a page; what is larger is another file.
    private const int PromptBytesMax = 64 << 10;

    public static ImmutableArray<JudgeOptions> Read(Section detectors, string key)
    {
        var judges = ImmutableArray.CreateBuilder<JudgeOptions>();
        foreach (var section in detectors.MapOrMaps(key))
        {
            if (ReadJudge(section) is not { } judge)
            {
                continue;
            }

            if (judges.Any(other => other.Name == judge.Name))
            {
                section.Error("name", $"`{judge.Name}` is the name of a judge before this one");
            }

            judges.Add(judge);
        }

        return judges.ToImmutable();
    }

    private static JudgeOptions? ReadJudge(Section section)
    {
        var isEnabled = section.Flag("enabled", byDefault: true);
        var endpoint = section.Text("endpoint");
        var openai = section.OptionalMap("openai");
        var baseUrl = openai?.RequiredText("base_url");
        var defaults = new JudgeOptions { Url = new Uri("http://localhost"), Connection = new ForwardOptions { Endpoint = "" } };
        var options = defaults with
        {
            Name = ReadWord(section, "name", defaults.Name),
            Failure = ReadWord(section, "failure", defaults.Failure),
            Connection = ClientSection.ReadHeadersAndTls(section, defaults.Connection),
            Chat = openai is null ? null : ReadChat(openai),
            Sample = section.Real("sample", defaults.Sample, 0, 1),
            OnlyFailing = section.Flag("only_failing", defaults.OnlyFailing),
            Timeout = section.Duration("timeout", defaults.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            Concurrency = section.Number("concurrency", defaults.Concurrency, 1, 64),
            BudgetPerMinute = section.Number("budget_per_minute", defaults.BudgetPerMinute, 1, 10_000),
            RequestBytesMax = section.Number("max_request_kib", defaults.RequestBytesMax >> 10, 4, 4096) << 10,
        };
        section.RefuseUnknownKeys();
        if (openai is not null && endpoint is { Length: > 0 })
        {
            section.Error("endpoint", "`openai` is there as well: one of them must go");
        }

        var url = openai is null ? ReadUrl(section, "endpoint", endpoint, "", options.Connection) : ReadUrl(openai, "base_url", baseUrl, "/chat/completions", options.Connection);
        return url is not null && isEnabled ? options with { Url = url } : null;
    }

    private static ChatOptions ReadChat(Section openai)
    {
        var model = openai.RequiredText("model") ?? "";
        var keyFile = TlsFiles.ReadFile(openai, "api_key_file");
        var prompt = ReadPrompt(openai);
        var options = new ChatOptions { Model = model, ApiKeyFile = keyFile, Prompt = prompt };
        options = options with { Threshold = openai.Real("threshold", options.Threshold, 0, 1) };
        openai.Refuse(["api_key"], "put the key into a file and name it in `api_key_file`, or send it by `headers`: `authorization: \"Bearer ${env:NAME}\"`");
        openai.RefuseUnknownKeys();
        return options;
    }

    private static PromptTemplate ReadPrompt(Section openai)
    {
        const string Key = "prompt_file";
        if (TlsFiles.ReadFile(openai, Key) is not { } file || !File.Exists(file))
        {
            return PromptTemplate.Grounding;
        }

        try
        {
            if (new FileInfo(file).Length > PromptBytesMax)
            {
                openai.Error(Key, $"`{file}` is larger than {PromptBytesMax} bytes");
            }
            else if (PromptTemplate.Parse(File.ReadAllText(file), out var problem) is { } template)
            {
                return template;
            }
            else
            {
                openai.Error(Key, $"`{file}`: {problem}");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            openai.Error(Key, exception.Message);
        }

        return PromptTemplate.Grounding;
    }

    private static string ReadWord(Section section, string key, string byDefault)
    {
        var word = section.Text(key, byDefault);
        if (!AnswerText.IsKind(word))
        {
            section.Error(key, $"up to {RuleSection.NameLengthMax} letters, digits, `_`, `-` and `.` are expected here: it becomes an attribute and a label");
            return byDefault;
        }

        return word;
    }

    private static Uri? ReadUrl(Section section, string key, string? text, string path, ForwardOptions connection)
    {
        if (text is null or "")
        {
            // Of `openai` said already.
            if (key == "endpoint")
            {
                section.Problems.Error(section.Mark, section.PathOf(key), "must be set, or `openai`");
            }

            return null;
        }

        // The text is not shown: it may have a password in it.
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            section.Error(key, "a URL is expected here, with its scheme: `http://host:port/path` or `https://host/path`");
        }
        else if (url.UserInfo.Length > 0 || url.Fragment.Length > 0)
        {
            section.Error(key, "a URL without a user and without `#` is expected here: credentials go into `headers`");
        }
        else if (url.Port == 0)
        {
            section.Error(key, "port 0 cannot be sent to");
        }
        else
        {
            if (url.Scheme == "http")
            {
                ClientSection.CheckCleartext(section, key, connection);
            }

            return path.Length == 0 ? url : new UriBuilder(url) { Path = url.AbsolutePath.TrimEnd('/') + path }.Uri;
        }

        return null;
    }
}
