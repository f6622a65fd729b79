using System.Text;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class BrokenJsonTests
{
    [Theory]
    [InlineData("", "it is empty")]
    [InlineData(" \n", "it is empty")]
    [InlineData("{\"stars\": 3", "it ends too early (byte 11)")]
    [InlineData("{\"stars\": \"x", "it ends too early (byte 12)")]
    [InlineData("{\n\n\"stars\":", "it ends too early (byte 11)")]
    [InlineData("[1,", "it ends too early (byte 2)")]
    [InlineData("nonsense", "'nonsense' is an invalid JSON literal. Expected the literal 'null' (byte 1)")]
    [InlineData("{\n\"stars\": down}", "'d' is an invalid start of a value (byte 11)")]
    [InlineData("{} {", "'{' is invalid after a single JSON value. Expected end of data (byte 3)")]
    public void The_sender_reads_what_is_wrong_and_at_which_byte(string json, string problem)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var broken = Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(bytes));

        Assert.Equal(problem, BrokenJson.Describe(bytes, broken));
    }
}
