using System.Text;
using OtlpTap.Spans;

namespace OtlpTap.Tests.Health;

public class LearnedKeysTests
{
    private static readonly WatchedKeys Watched = new(["feedback."], ["my.score"]);

    [Theory]
    [InlineData("gen_ai.operation.name", true)]
    [InlineData("gen_ai.tool.name", true)]
    [InlineData("gen_ai.tool.nama", false)]
    [InlineData("", false)]
    [InlineData("x", false)]
    public void A_key_has_its_place_whenever_it_comes(string key, bool hasPlace)
    {
        var keys = new LearnedKeys(Watched);
        for (var i = 0; i < 3; i++)
        {
            keys.Begin();
            Assert.Equal(hasPlace ? SpanKeys.Table.Find(Bytes(key)) : LearnedKeys.Nothing, keys.Find(Bytes(key)));
        }
    }

    [Fact]
    public void What_is_watched_for_is_told()
    {
        var keys = new LearnedKeys(Watched);

        Assert.Equal([LearnedKeys.Watched, LearnedKeys.Watched, LearnedKeys.Nothing], Enumerable.Select(["feedback.stars", "my.score", "my.scare"], key => keys.Find(Bytes(key))));
    }

    [Fact]
    public void Keys_in_any_order_and_more_than_are_learned_mean_what_they_mean()
    {
        var random = new Random(5);
        string[] all =
        [
            .. Enumerable.Range(0, 40).Select(SpanKeys.NameOf), "feedback.stars", "my.score", "feedback.",
            .. Enumerable.Range(0, 3000).Select(i => $"made.up.{random.Next():x}.{i}"), new string('k', 126), new string('k', 127), new string('k', 300),
            // Of one length, with the same beginnings and ends: they fall on one place.
            .. Enumerable.Range(0, 20).Select(i => $"beginning{(char)('a' + i)}the.ending"),
        ];
        var keys = new LearnedKeys(Watched);
        for (var i = 0; i < 3 * LearnedKeys.AskedAnewMax; i++)
        {
            if (i % 9 == 0)
            {
                keys.Begin();
            }

            var key = all[random.Next(all.Length)];
            var place = SpanKeys.Table.Find(Bytes(key));
            Assert.Equal(place >= 0 ? place : Watched.Has(Bytes(key)) ? LearnedKeys.Watched : LearnedKeys.Nothing, keys.Find(Bytes(key)));
        }
    }

    [Fact]
    public void Who_sends_ever_new_keys_does_not_have_the_room_for_good()
    {
        var keys = new LearnedKeys(Watched);
        var made = 0;
        while (made < 3000)
        {
            keys.Find(Bytes($"made.up.{made++}"));
        }

        var full = keys.Count;
        keys.Find("of.everybody.else"u8);
        Assert.Equal(full, keys.Count);

        for (var i = 0; i < LearnedKeys.AskedAnewMax; i++)
        {
            keys.Begin();
            Assert.Equal(LearnedKeys.Nothing, keys.Find("of.everybody.else"u8));
        }

        Assert.Equal(1, keys.Count);
    }

    [Fact]
    public void What_is_remembered_is_not_forgotten_while_it_comes()
    {
        var keys = new LearnedKeys(Watched);
        for (var i = 0; i < 2 * LearnedKeys.AskedAnewMax; i++)
        {
            keys.Begin();
            keys.Find("gen_ai.tool.name"u8);
            keys.Find("of.everybody.else"u8);
        }

        Assert.Equal(2, keys.Count);
    }

    private static byte[] Bytes(string key) => Encoding.UTF8.GetBytes(key);
}
