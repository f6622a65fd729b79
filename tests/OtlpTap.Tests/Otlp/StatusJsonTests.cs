using System.Text;
using System.Text.Json;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class StatusJsonTests
{
    [Fact]
    public void A_status_without_details_is_its_code_and_message()
    {
        Assert.Equal("""{"code":12,"message":"not here"}""", Json(StatusDetails.Plain(StatusCode.Unimplemented, "not here")));
        Assert.Equal("""{"code":0,"message":""}""", Json([]));
    }

    [Fact]
    public void The_details_that_OTLP_names_are_written_out()
    {
        Assert.Equal(
            """{"code":3,"message":"bad","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"resource_spans[0]","description":"too short"}]}]}""",
            Json(StatusDetails.BadRequest(StatusCode.InvalidArgument, "bad", "resource_spans[0]", "too short")));
        Assert.Equal(
            """{"code":14,"message":"later","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.25s"}]}""",
            Json(StatusDetails.RetryInfo(StatusCode.Unavailable, "later", TimeSpan.FromMilliseconds(250))));
    }

    [Fact]
    public void Of_any_other_detail_the_bytes_are_given()
    {
        // code 13, and one Any { type_url "t/x.Y", value 01 02 }.
        byte[] status = [0x08, 13, 0x1a, 11, 0x0a, 5, .. "t/x.Y"u8, 0x12, 2, 1, 2];

        Assert.Equal("""{"code":13,"message":"","details":[{"@type":"t/x.Y","value":"AQI="}]}""", Json(status));
    }

    [Fact]
    public void Whatever_an_upstream_sends_becomes_JSON()
    {
        var status = StatusDetails.BadRequest(StatusCode.InvalidArgument, "grüße", "a", "b");
        for (var i = 0; i < status.Length * 8; i++)
        {
            var changed = (byte[])status.Clone();
            changed[i / 8] ^= (byte)(1 << (i % 8));
            foreach (var bytes in new[] { changed, changed[..(i / 8)] })
            {
                using var read = JsonDocument.Parse(Json(bytes));
                Assert.Equal(JsonValueKind.Object, read.RootElement.ValueKind);
            }
        }
    }

    private static string Json(byte[] status)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            StatusJson.Write(status, json);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
