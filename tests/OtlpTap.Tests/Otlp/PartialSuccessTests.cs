using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class PartialSuccessTests
{
    [Theory]
    [InlineData(0, "")]
    [InlineData(0, "a warning")]
    [InlineData(1, "")]
    [InlineData(long.MaxValue, "größer")]
    public void It_reads_what_the_generated_classes_write_and_writes_what_they_read(long rejected, string message)
    {
        var response = new ExportTraceServiceResponse { PartialSuccess = new ExportTracePartialSuccess { RejectedSpans = rejected, ErrorMessage = message } };

        Assert.True(PartialSuccess.TryRead(response.ToByteArray(), out var partial));

        Assert.Equal(new PartialSuccess(rejected, message), partial);
        Assert.Equal(response, ExportTraceServiceResponse.Parser.ParseFrom(partial.ToResponse()));
    }

    [Fact]
    public void Without_one_nothing_was_rejected()
    {
        Assert.True(PartialSuccess.TryRead([], out var partial));
        Assert.Equal(new PartialSuccess(0, ""), partial);
    }

    [Fact]
    public void Every_truncation_reads_as_the_generated_classes_do()
    {
        var whole = new ExportLogsServiceResponse { PartialSuccess = new ExportLogsPartialSuccess { RejectedLogRecords = 300, ErrorMessage = "old" } }.ToByteArray();
        for (var length = 0; length <= whole.Length; length++)
        {
            var cut = whole[..length];
            Assert.Equal(Parses(cut), PartialSuccess.TryRead(cut, out _));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void A_message_that_is_too_long_is_cut_between_two_characters_and_the_count_stays(long rejected)
    {
        var text = string.Concat(Enumerable.Repeat("aß✓𝄞", 50));
        var partial = new PartialSuccess(rejected, text);
        for (var bytesMax = 23; bytesMax < 700; bytesMax++)
        {
            var response = partial.ToResponse(bytesMax);

            Assert.InRange(response.Length, 0, bytesMax);
            var read = ExportLogsServiceResponse.Parser.ParseFrom(response).PartialSuccess;
            Assert.Equal(rejected, read.RejectedLogRecords);
            Assert.StartsWith(read.ErrorMessage, text, StringComparison.Ordinal);
            Assert.True(Encoding.UTF8.GetByteCount(read.ErrorMessage) > Math.Min(bytesMax - 23, Encoding.UTF8.GetByteCount(text)) - 4, "no more is cut than must be");
        }

        Assert.Equal(partial.ToResponse(), partial.ToResponse(700));
    }

    private static bool Parses(byte[] bytes)
    {
        try
        {
            ExportLogsServiceResponse.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
