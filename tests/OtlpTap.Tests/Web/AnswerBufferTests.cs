using System.Buffers;
using System.Text.Json;
using OtlpTap.Buffers;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

public sealed class AnswerBufferTests
{
    private const int PieceBytes = 64 << 10;

    private readonly ClientShares _bytes = new(4 * PieceBytes, 4 * PieceBytes);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(AnswerBuffer.FirstPieceBytes)]
    [InlineData(AnswerBuffer.FirstPieceBytes + 1)]
    [InlineData(3 * PieceBytes)]
    public async Task What_is_written_is_sent_and_nothing_is_held_of_it_then(int length)
    {
        var written = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        var sent = new MemoryStream();
        using (var answer = new AnswerBuffer(_bytes, "ann"))
        {
            foreach (var chunk in written.Chunk(1000))
            {
                answer.Write(chunk);
            }

            Assert.Equal((false, length), (answer.IsRefused, answer.Length));
            await answer.SendAsync(sent, TestContext.Current.CancellationToken);
            Assert.Equal(0, _bytes.Taken);
        }

        Assert.Equal(written, sent.ToArray());
        Assert.Equal(0, _bytes.Taken);
    }

    [Fact]
    public void A_small_answer_is_written_where_there_is_no_room()
    {
        _bytes.TryTake("bob", 4 * PieceBytes);
        using var answer = new AnswerBuffer(_bytes, "ann");

        answer.Write(new byte[AnswerBuffer.FirstPieceBytes]);
        Assert.False(answer.IsRefused);
        answer.Write(new byte[1]);
        Assert.True(answer.IsRefused);
    }

    /// <summary>Whoever writes JSON cannot be told to stop: what they write then goes nowhere.</summary>
    [Fact]
    public void Beyond_the_bound_nothing_is_held_whatever_is_still_written()
    {
        _bytes.TryTake("bob", 1);
        using var answer = new AnswerBuffer(_bytes, "ann");
        using (var json = new Utf8JsonWriter(answer))
        {
            json.WriteStartArray();
            for (var i = 0; i < 100_000; i++)
            {
                json.WriteStringValue("some words");
                Assert.True(_bytes.Taken <= 4 * PieceBytes);
            }

            json.WriteStringValue(new string('x', 2 * PieceBytes));
            json.WriteEndArray();
        }

        Assert.True(answer.IsRefused);
        Assert.Equal(1, _bytes.Taken);
    }

    [Fact]
    public void One_that_is_given_up_gives_back_what_it_had()
    {
        var answer = new AnswerBuffer(_bytes, "ann");
        answer.Write(new byte[2 * PieceBytes]);
        Assert.True(_bytes.Taken >= 2 * PieceBytes);

        answer.Dispose();
        answer.Dispose();

        Assert.Equal(0, _bytes.Taken);
    }
}
