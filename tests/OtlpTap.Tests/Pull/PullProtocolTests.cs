using Google.Protobuf;
using static OtlpTap.Tests.Pull.PullRig;

namespace OtlpTap.Tests.Pull;

/// <summary>What Tempo and Loki do at the borders of what they document.</summary>
public sealed class PullProtocolTests : IAsyncLifetime
{
    private const long Second = 1_000_000_000;

    private PullRig _rig = null!;

    public async ValueTask InitializeAsync() => _rig = new PullRig(await StubBackend.StartAsync());

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task Protobuf_is_asked_for_in_the_one_way_that_every_Tempo_understands()
    {
        _rig.Backend.ComparesAccept = true;
        _rig.Backend.Add(1, Failing(), Now - 600);
        var types = new List<string?>();
        _rig.Backend.Instead = context =>
        {
            context.Response.OnStarting(() =>
            {
                types.Add(context.Response.ContentType);
                return Task.CompletedTask;
            });
            return Task.FromResult(false);
        };

        Assert.Equal(0, await _rig.PullAsync("tempo"));

        Assert.Single(_rig.Cases());
        Assert.Equal(["application/json", "application/protobuf"], types.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_trace_that_a_search_names_twice_is_looked_at_once()
    {
        _rig.Backend.Add(1, Failing(), Now - 600);
        var twice = """{"traces":[{"traceID":"1"},{"traceID":"00000000000000000000000000000001"}],"metrics":{}}"""u8.ToArray();
        _rig.Backend.Instead = async context =>
        {
            if (context.Request.Path != "/api/search")
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 200, "application/json", twice);
            return true;
        };

        Assert.Equal(0, await _rig.PullAsync("tempo", "--since", "30m"));

        Assert.Single(_rig.Backend.Requests, request => request.StartsWith("/api/v2/traces/", StringComparison.Ordinal));
        Assert.Contains("1 traces looked at", _rig.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_search_says_from_when_to_when_and_the_windows_lie_end_to_end()
    {
        await _rig.PullAsync("tempo", "--since", "24h");

        var windows = _rig.Backend.Requests.Select(request => Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(request[request.IndexOf('?', StringComparison.Ordinal)..]))
            .Select(query => (Start: long.Parse(query["start"]!, null), End: long.Parse(query["end"]!, null), Spans: query["spss"].ToString())).ToList();
        Assert.Equal((Now - 86_400, Now), (windows[0].Start, windows[^1].End));
        Assert.All(windows.Zip(windows.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
        Assert.All(windows, window => Assert.Equal("1", window.Spans));
    }

    [Fact]
    public async Task A_trace_that_a_search_knew_and_that_is_gone_is_passed_over()
    {
        _rig.Backend.Add(1, Healthy(), Now - 600);
        _rig.Backend.Add(2, Failing(), Now - 500);
        _rig.Backend.Instead = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("01", StringComparison.Ordinal))
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 404, "text/plain", "trace not found"u8.ToArray());
            return true;
        };

        Assert.Equal(0, await _rig.PullAsync("tempo"));
        Assert.Single(_rig.Cases());
        Assert.Equal(["/api/v2/traces/00000000000000000000000000000001", "/api/traces/00000000000000000000000000000001"], _rig.Backend.Requests.Where(request => request.EndsWith("01", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Traces_that_no_search_looks_at_yet_are_found_by_the_next_run()
    {
        _rig.Backend.Add(1, Healthy(), Now - 600);
        _rig.Backend.Add(2, Failing(), Now - 10);
        _rig.Backend.SearchableUntil = Now - 30;
        await _rig.PullAsync("tempo");
        Assert.Empty(_rig.Cases());

        _rig.Time.Advance(TimeSpan.FromMinutes(10));
        _rig.Backend.SearchableUntil = long.MaxValue;
        await _rig.PullAsync("tempo");

        Assert.Single(_rig.Cases());
        Assert.Single(_rig.Backend.Requests, request => request == "/api/v2/traces/00000000000000000000000000000001");
    }

    [Fact]
    public async Task Lines_that_came_just_behind_a_run_are_read_by_the_next_one()
    {
        await WithCaseAsync();
        _rig.AddLine((Now - 20) * Second, "first", ("trace_id", "7"));
        await _rig.PullAsync("loki", "--query", "{a=\"b\"}");
        _rig.AddLine((Now - 25) * Second, "late", ("trace_id", "7"));

        _rig.Time.Advance(TimeSpan.FromMinutes(10));
        await _rig.PullAsync("loki", "--query", "{a=\"b\"}");

        Assert.Equal(2, LogCount());
    }

    /// <summary>Tempo cuts texts between bytes; its JSON has a replacement for each byte that it left of a character.</summary>
    [Theory]
    [InlineData(2047, 1)]
    [InlineData(2046, 2)]
    [InlineData(2045, 3)]
    public async Task A_text_that_was_cut_within_a_character_is_read_and_suspected_to_be_cut(int whole, int left)
    {
        byte[] character = [0xF0, 0x9F, 0x98];
        var trace = Failing();
        trace.LastSpan.Attributes.Add(TraceBuilder.Attribute("gen_ai.tool.call.result", new string('x', whole) + new string('~', left)));
        _rig.Backend.Add(1, trace, Now - 600);
        var bytes = trace.Request.ToByteArray();
        character.AsSpan(0, left).CopyTo(bytes.AsSpan(bytes.AsSpan().IndexOf((byte)'~')));
        _rig.Backend.Add(2, JsonCut(whole, left), Now - 500);
        _rig.Backend.AnswersJson = true;
        _rig.Backend.Instead = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("01", StringComparison.Ordinal))
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 200, "application/protobuf", WireBytes.Field(1, bytes));
            return true;
        };

        Assert.Equal(0, await _rig.PullAsync("tempo"));

        Assert.Equal("", _rig.Error);
        Assert.Equal(["suspected", "suspected"], _rig.Cases().Select(document => document.GetProperty("truncated").GetString()));

        static TraceBuilder JsonCut(int whole, int left)
        {
            var trace = Failing("send_mail");
            trace.LastSpan.Attributes.Add(TraceBuilder.Attribute("gen_ai.tool.call.result", new string('x', whole) + new string('\uFFFD', left)));
            return trace;
        }
    }

    [Fact]
    public async Task Traces_that_cannot_be_read_are_left_out_and_end_no_run_however_many_they_are()
    {
        for (byte number = 1; number <= 30; number++)
        {
            _rig.Backend.Add(number, Healthy(), Now - 600);
        }

        _rig.Backend.Instead = async context =>
        {
            if (!context.Request.Path.Value!.StartsWith("/api/v2/traces/", StringComparison.Ordinal))
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 200, "application/protobuf", [0x0A, 0x02, 0x0A, 0x7F]);
            return true;
        };
        Assert.Equal(0, await _rig.PullAsync("tempo"));
        Assert.Contains("30 could not be fetched", _rig.Output, StringComparison.Ordinal);
        _rig.Backend.Add(31, Failing(), Now + 60);
        _rig.Time.Advance(TimeSpan.FromMinutes(10));
        var unreadable = _rig.Backend.Instead;
        _rig.Backend.Instead = context => context.Request.Path.Value!.EndsWith("1f", StringComparison.Ordinal) ? Task.FromResult(false) : unreadable(context);

        Assert.Equal(0, await _rig.PullAsync("tempo"));

        Assert.Single(_rig.Cases());
    }

    [Fact]
    public async Task An_envelope_with_nothing_in_it_is_no_trace()
    {
        _rig.Backend.Add(1, Failing(), Now - 600);
        _rig.Backend.Instead = async context =>
        {
            if (context.Request.Path == "/api/search")
            {
                return false;
            }

            // What Tempo 3 answers, with 200, to an id that it does not have: no resources, no metrics.
            await StubBackend.AnswerAsync(context, 200, "application/protobuf", [0x0A, 0x00, 0x12, 0x00]);
            return true;
        };

        Assert.Equal(0, await _rig.PullAsync("tempo"));

        Assert.Contains("0 traces looked at", _rig.Output, StringComparison.Ordinal);
        Assert.Equal("", _rig.Error);
        Assert.Single(_rig.Backend.Requests, request => request.Contains("traces", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"trace":{},"metrics":{"inspectedBytes":"12"}}""")]
    [InlineData("""{"trace":null,"status":"COMPLETE"}""")]
    public async Task A_trace_without_spans_is_none(string answer)
    {
        _rig.Backend.Add(1, Failing(), Now - 600);
        _rig.Backend.Instead = async context =>
        {
            if (context.Request.Path == "/api/search")
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 200, "application/json", System.Text.Encoding.UTF8.GetBytes(answer));
            return true;
        };

        Assert.Equal(0, await _rig.PullAsync("tempo"));
        Assert.Empty(_rig.Cases());
        Assert.Equal("", _rig.Error);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(3000)]
    public async Task Lines_of_one_nanosecond_are_read_whole_and_once_beyond_a_page(int count)
    {
        await WithCaseAsync();
        for (var i = 0; i < count; i++)
        {
            _rig.AddLine((Now - 600) * Second, $"line {i}", ("trace_id", "7"));
        }

        _rig.AddLine(((Now - 600) * Second) - 1, "before", ("trace_id", "7"));
        _rig.AddLine(((Now - 600) * Second) + 1, "behind", ("trace_id", "7"));

        Assert.Equal(0, await _rig.PullAsync("loki", "--query", "{a=\"b\"}"));

        Assert.Equal(count + 2, LogCount());
        Assert.Equal("", _rig.Error);
    }

    [Fact]
    public async Task Lines_of_one_nanosecond_that_no_page_holds_are_said()
    {
        await WithCaseAsync();
        for (var i = 0; i < 6000; i++)
        {
            _rig.AddLine((Now - 600) * Second, $"line {i}", ("trace_id", "7"));
        }

        _rig.AddLine(((Now - 600) * Second) + 1, "behind", ("trace_id", "7"));

        Assert.Equal(0, await _rig.PullAsync("loki", "--query", "{a=\"b\"}"));

        Assert.Equal(5001, LogCount());
        Assert.Contains("more than 5000 lines have the time", _rig.Error, StringComparison.Ordinal);
        Assert.Contains("there is more", _rig.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(300)]
    public async Task A_Loki_with_a_lower_limit_of_lines_is_asked_for_fewer(int limit)
    {
        _rig.Backend.LineLimitMax = limit;
        await WithCaseAsync();
        for (var i = 0; i < 1500; i++)
        {
            _rig.AddLine(((Now - 600) * Second) + (i / 200), $"line {i}", ("trace_id", "7"));
        }

        Assert.Equal(0, await _rig.PullAsync("loki", "--query", "{a=\"b\"}"));

        Assert.Equal(1500, LogCount());
        Assert.Equal("", _rig.Error);
    }

    [Fact]
    public async Task A_range_longer_than_Loki_allows_is_asked_for_in_pieces()
    {
        await WithCaseAsync();
        var end = Now * Second;
        foreach (var hours in (long[])[1, 24, 48, 700, 1000, 1199])
        {
            _rig.AddLine(end - (hours * 3600 * Second), $"line {hours}", ("trace_id", "7"));
        }

        Assert.Equal(0, await _rig.PullAsync("loki", "--query", "{a=\"b\"}", "--since", "1200h"));

        Assert.Equal(6, LogCount());
    }

    [Fact]
    public async Task Lines_that_were_read_are_not_put_into_a_case_again()
    {
        await WithCaseAsync();
        for (var i = 0; i < 20; i++)
        {
            _rig.AddLine(((Now - 600) * Second) + i, $"line {i}", ("trace_id", "7"));
        }

        await _rig.PullAsync("loki", "--query", "{a=\"b\"}");
        await _rig.PullAsync("loki", "--query", "{a=\"b\"}", "--since", "48h");

        Assert.Equal(20, LogCount());
    }

    private async Task WithCaseAsync()
    {
        _rig.Backend.Add(7, Failing(), Now - 600);
        await _rig.PullAsync("tempo");
    }

    private int LogCount() => Assert.Single(_rig.Cases()).GetProperty("log_count").GetInt32();
}
