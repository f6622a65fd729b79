using System.Text;
using OtlpTap.Spans;

namespace OtlpTap.Tests.Health;

public class SpanFrameTests
{
    private const string Key = "gen_ai.response.id";

    [Theory]
    [InlineData(0x0a)] // as every encoder writes it
    [InlineData(0x8a, 0x00)] // allowed all the same
    public void A_text_is_told_whole_however_many_bytes_its_tag_takes(params int[] tag)
    {
        var id = Encoding.UTF8.GetBytes(new string('r', 2000));
        byte[] value = [.. tag.Select(part => (byte)part), .. Length(id.Length), .. id];

        Assert.Equal(id, TextOf(value));
    }

    [Fact]
    public void A_text_that_something_follows_is_told_as_what_it_means()
    {
        byte[] value = [0x0a, 1, (byte)'a', 0x0a, 1, (byte)'b'];

        Assert.Equal("b"u8, TextOf(value));
    }

    private static byte[] TextOf(byte[] value)
    {
        byte[] attribute = [0x0a, (byte)Key.Length, .. Encoding.UTF8.GetBytes(Key), 0x12, .. Length(value.Length), .. value];
        var frame = new SpanFrame();
        frame.Add(attribute, 0, attribute.Length, new LearnedKeys(WatchedKeys.None));

        return frame.Text(attribute, SpanKeys.Responses[0]).ToArray();
    }

    private static byte[] Length(int length) => length < 0x80 ? [(byte)length] : [(byte)(length | 0x80), (byte)(length >> 7)];
}
