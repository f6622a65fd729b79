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
