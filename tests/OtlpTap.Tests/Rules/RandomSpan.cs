using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Tests.Rules;

/// <summary>Requests of one span with few keys and few values of every type, so that conditions often meet what they ask for.</summary>
internal static class RandomSpan
{
    public static readonly string[] Keys = ["a", "b", "gen_ai.response.finish_reasons", "error.type"];

    private static readonly object?[] Values =
    [
        null, "", "a", "ab", "AB", "stop", "é", true, false, 1, -2, 1.0, 1.5, -2.0, double.NaN, double.PositiveInfinity, Array.Empty<byte>(), new byte[] { 1, 2 },
        Array.Empty<string>(), new[] { "a" }, new[] { "b", "a" },
    ];

    public static ExportTraceServiceRequest Next(Random random) => Next(random, Keys);

    public static ExportTraceServiceRequest Next(Random random, string[] keys)
    {
        var builder = new TraceBuilder().Resource("service", [.. Attributes(random, keys)]).Scope(random.Next(2) == 0 ? "a" : "").Span(Text(random), [.. Attributes(random, keys)]);
        if (random.Next(2) == 0)
        {
            builder.Failed(Text(random));
        }

        builder.LastSpan.Kind = (Span.Types.SpanKind)random.Next(6);
        if (random.Next(3) == 0)
        {
            builder.LastSpan.Attributes.Add(new KeyValue { Key = keys[random.Next(keys.Length)], Value = Nested(random) });
        }

        return builder.Request;
    }

    private static AnyValue Nested(Random random)
    {
        var first = TraceBuilder.ValueOf(Values[random.Next(Values.Length)]);
        var second = TraceBuilder.ValueOf(Values[random.Next(Values.Length)]);
        return random.Next(2) == 0
            ? new AnyValue { ArrayValue = new ArrayValue { Values = { first, second } } }
            : new AnyValue { KvlistValue = new KeyValueList { Values = { new KeyValue { Key = "k", Value = first }, new KeyValue { Key = "a", Value = second } } } };
    }

    private static IEnumerable<(string Key, object? Value)> Attributes(Random random, string[] keys) =>
        Enumerable.Range(0, random.Next(5)).Select(_ => (keys[random.Next(keys.Length)], Values[random.Next(Values.Length)]));

    private static string Text(Random random) => ((string[])["", "a", "ab", "AB"])[random.Next(4)];
}
