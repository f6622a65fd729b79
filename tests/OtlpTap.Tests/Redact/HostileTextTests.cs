using System.Text;
using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Redact;

/// <summary>Secrets that are hard to see, and texts that are made to cost time.</summary>
public sealed class HostileTextTests
{
    private const string Key = "sk-ant-api03-AbCdEf0123456789AbCdEf0123456789_-AbCd";

    private static readonly Redactor Masking = new(new RedactOptions());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(9)]
    public void A_secret_in_json_in_json_is_found_however_often_it_was_quoted(int times)
    {
        var text = $$"""{"note":"first\nline {{Key}}\nlast","password":"hunter2!"}""";
        for (var i = 0; i < times; i++)
        {
            text = JsonSerializer.Serialize(new Dictionary<string, string> { ["body"] = text });
        }

        var redacted = Masking.Redact(text);
        Assert.DoesNotContain("AbCdEf", redacted, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", redacted, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(redacted);
    }

    [Theory]
    [InlineData("first\\nsecond")]
    [InlineData("\\u0022")]
    [InlineData("%22")]
    [InlineData("%3D")]
    [InlineData("C:\\temp\\r")]
    public void An_escape_in_front_does_not_hide_a_secret(string before) =>
        Assert.DoesNotContain("AbCdEf", Masking.Redact(before + (before.EndsWith('d') ? "\\n" : "") + Key), StringComparison.Ordinal);

    [Fact]
    public void Of_a_secret_in_two_parts_of_a_message_both_parts_are_taken_that_can_be_told_by_themselves()
    {
        const string Head = "sk-ant-api03-AbCdEf0123456789AbCdEf01";
        const string Tail = "Zx8Kq2LmP0vRt7Ns4WbYc1Hd6Fg3Jk9Q";
        var redacted = Masking.Redact($$"""[{"type":"text","content":"my key is {{Head}}"},{"type":"text","content":"{{Tail}} as I said"}]""");
        Assert.DoesNotContain("AbCdEf", redacted, StringComparison.Ordinal);
        Assert.DoesNotContain("Kq2LmP0", redacted, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("card \uFF14\uFF11\uFF11\uFF11 \uFF11\uFF11\uFF11\uFF11 \uFF11\uFF11\uFF11\uFF11 \uFF11\uFF11\uFF11\uFF11.", "card [card].")]
    [InlineData("card \u0664\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661!", "card [card]!")]
    [InlineData("card 4111\u00A01111\u00A01111\u00A01111", "card [card]")]
    [InlineData("call \uFF0B49\u202F30\u202F1234\u202F5678 now", "call [phone] now")]
    [InlineData("415\u2011555\u20112671", "[phone]")]
    [InlineData("ann\uFF20example.org", "[email]")]
    [InlineData("sk-ant-api03-AbCd\u200BEf0123456789AbCdEf0123456789_-AbCd", "[api_key]")]
    [InlineData("\U0001D7D2\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF\U0001D7CF", "[card]")]
    [InlineData("na\u00EFve \u2014 caf\u00E9 \u0661\u0662 \u200B done", "na\u00EFve \u2014 caf\u00E9 \u0661\u0662 \u200B done")]
    public void Digits_of_other_scripts_and_the_spaces_of_typography_do_not_hide_a_number(string text, string expected) => Assert.Equal(expected, Masking.Redact(text));

    [Fact]
    public void A_key_in_base64_is_taken()
    {
        var random = new Random(5);
        foreach (var (provider, form) in SecretSamples.Prefixed.Take(30))
        {
            var secret = Convert.ToBase64String(Encoding.UTF8.GetBytes(SecretSamples.Make(form, random)));
            if (secret.Length is >= 40 and <= 256)
            {
                Assert.False(Masking.Redact($"data: {secret}").Contains(secret[^24..^2], StringComparison.Ordinal), $"{provider}: {secret}");
            }
        }
    }

    [Theory]
    [InlineData("latin 1: caf\u00e9 ", true)]
    [InlineData("cut \u00ff", true)]
    [InlineData("picture \u0000\u0001\u00ff", false)]
    public void Bytes_that_are_no_UTF8_are_read_unless_they_are_no_text_at_all(string before, bool isRead)
    {
        var bytes = Encoding.Latin1.GetBytes(before + Key);
        var trace = new TraceBuilder().Resource("shop").Span("call");
        trace.LastSpan.Attributes.Add(new KeyValue { Key = "payload", Value = new AnyValue { BytesValue = ByteString.CopyFrom(bytes) } });

        var redacted = ExportTraceServiceRequest.Parser.ParseFrom(new RequestRedactor(Masking).Redact(Signal.Traces, trace.Request.ToByteArray()));

        var value = redacted.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes.Single(attribute => attribute.Key == "payload").Value.BytesValue.ToByteArray();
        var expected = isRead ? Encoding.Latin1.GetBytes(before + "[api_key]") : bytes;
        Assert.Equal(expected, value);
    }

    [Fact]
    public void A_text_that_is_no_UTF8_on_the_wire_is_read_all_the_same()
    {
        var marked = new TraceBuilder().Resource("shop").Span("call");
        marked.LastSpan.Attributes.Add(new KeyValue { Key = "note", Value = new AnyValue { StringValue = "??" + Key } });
        var bytes = marked.Request.ToByteArray();
        var at = bytes.AsSpan().IndexOf("??"u8);
        (bytes[at], bytes[at + 1]) = (0xC3, 0x28);

        var redacted = new RequestRedactor(Masking).Redact(Signal.Traces, bytes);
        Assert.True(redacted.AsSpan().IndexOf("AbCdEf"u8) < 0);
        Assert.True(redacted.AsSpan().IndexOf("[api_key]"u8) > 0);
    }

    /// <summary>Each piece almost is something, again and again.</summary>
    [Theory]
    [InlineData("sk-ant-api03-AbCdEf0123456789 ")]
    [InlineData("Zx8Kq2LmP0vRt7Ns4WbYc1Hd6Fg3Jk9Q=")]
    [InlineData("Zx8Kq2LmP0vRt7Ns4WbYc1Hd6Fg3Jk9Q/")]
    [InlineData("a=")]
    [InlineData("==a")]
    [InlineData("sha512-")]
    [InlineData("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALD ")]
    [InlineData("pat12345678901234.00")]
    [InlineData("\\n\\u0022%3D")]
    [InlineData("4111 1111 1111 1112 ")]
    [InlineData("\uFF14\uFF11\uFF11\uFF11\u00A0")]
    [InlineData("password = ")]
    [InlineData("Bearer a:")]
    [InlineData("ann@exampleorg ")]
    [InlineData("DE89370400440532013001 ")]
    [InlineData("-----BEGIN CERTIFICATE-----")]
    [InlineData("-----BEGIN CERTIFICATE-----MIIB ")]
    [InlineData("eyJhbGciOi-")]
    [InlineData("{\"password\":\"")]
    [InlineData("[\"\\u0041")]
    public void A_megabyte_of_near_secrets_takes_linear_time(string piece)
    {
        // As much text in one piece as in sixteen, by what it takes of the processor, and the least of some attempts: a collection
        // of the whole process's garbage, or a processor whose caches others use, may come into one, and makes none shorter.
        const int Pieces = 16;
        var (small, large) = (Text(64 << 10), Text(Pieces * (64 << 10)));
        var (inPieces, inOne) = (Time(small, Pieces), Time(large, 1));
        for (var attempt = 1; attempt < 10 && !IsLinear(); attempt++)
        {
            (inPieces, inOne) = (Math.Min(inPieces, Time(small, Pieces)), Math.Min(inOne, Time(large, 1)));
        }

        Assert.True(IsLinear(), $"in sixteen pieces: {inPieces} ticks, in one: {inOne} ticks");

        // Quadratic time would be sixteen times as long. What is shorter than a clock tells counts as a millisecond.
        bool IsLinear() => inOne < 6 * Math.Max(inPieces, TimeSpan.TicksPerMillisecond);

        string Text(int length) => string.Concat(Enumerable.Repeat(piece, 1 + (length / piece.Length)))[..length];

        long Time(string text, int times) => ProcessorTime.Of(() =>
        {
            for (var i = 0; i < times; i++)
            {
                Masking.Redact(text);
            }
        }).Ticks;
    }
}
