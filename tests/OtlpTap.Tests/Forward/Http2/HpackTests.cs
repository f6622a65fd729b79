using System.Buffers;
using System.Text;
using OtlpTap.Forward.Http2;

namespace OtlpTap.Tests.Forward.Http2;

public sealed class HpackTests
{
    // RFC 7541 appendix C.5: responses without Huffman coding; C.6: with. The table there has 256 bytes: a size update of 256 stands in front.
    private static readonly string[] PlainResponses =
    [
        "3fe101 4803 333032 5807 7072 6976 6174 65 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 54 6e17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];

    private static readonly string[] HuffmanResponses =
    [
        "3fe101 4882 6402 5885 aec3 771a 4b 6196 d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff 6e91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];

    // The bytes 0 to 255 as nghttp2's encoder writes them.
    private const string AllBytesHuffmanCoded =
        "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffebfffffecfffffedfffffe"
        + "efffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febf"
        + "afefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242c"
        + "b34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73ff"
        + "feeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdaff"
        + "feeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0ffff17fffedffff87ffff77"
        + "fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffd"
        + "efffffbffffff2fffff8fffffb7fff97fff8fffffe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9"
        + "fffff97fffb3ffffcffffb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfff"
        + "ffb7fffff3fffffe8fffffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf";

    private static readonly string[][] Responses =
    [
        [":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"],
        [":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"],
        [
            ":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", "location: https://www.example.com",
            "content-encoding: gzip", "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ],
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_responses_of_the_rfc_are_read_as_it_says(bool isHuffman)
    {
        var decoder = new HpackDecoder(64 << 10);
        var blocks = isHuffman ? HuffmanResponses : PlainResponses;

        Assert.All(blocks, (block, i) => Assert.Equal(Responses[i], Read(decoder, block)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_requests_of_the_rfc_are_read_as_it_says(bool isHuffman)
    {
        var decoder = new HpackDecoder(64 << 10);
        string[] blocks = isHuffman
            ? ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", "8286 84be 5886 a8eb 1064 9cbf", "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"]
            : ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 84be 5808 6e6f 2d63 6163 6865", "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"];

        Assert.Equal([":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"], Read(decoder, blocks[0]));
        Assert.Equal([":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"], Read(decoder, blocks[1]));
        Assert.Equal([":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"], Read(decoder, blocks[2]));
    }

    [Theory]
    [InlineData("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header")]
    [InlineData("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path")]
    [InlineData("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret")]
    [InlineData("82", ":method: GET")]
    public void The_representations_of_the_rfc_are_read_as_it_says(string block, string field) =>
        Assert.Equal([field], Read(new HpackDecoder(64 << 10), block));

    [Fact]
    public void Every_byte_has_its_huffman_code()
    {
        var encoded = Convert.FromHexString(AllBytesHuffmanCoded);
        var decoded = new byte[HuffmanCode.DecodedLengthMax(encoded.Length)];

        Assert.True(HuffmanCode.TryDecode(encoded, decoded, out var length));
        Assert.Equal(Enumerable.Range(0, 256).Select(i => (byte)i), decoded[..length]);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("ff")]
    [InlineData("1fff")]
    [InlineData("18")]
    [InlineData("fffffffc")]
    [InlineData("ffffffff")]
    public void Bad_padding_and_end_of_string_are_refused(string encoded)
    {
        var bytes = Convert.FromHexString(encoded);

        // "00" is '0' and three zero bits; "18" is 'a' and zeros; "ff" and "1fff" have eight bits of padding or more.
        Assert.False(HuffmanCode.TryDecode(bytes, new byte[16], out _));
    }

    [Theory]
    [InlineData("80", "index 0")]
    [InlineData("be", "a dynamic entry that does not exist")]
    [InlineData("7e 01 61", "a name that does not exist")]
    [InlineData("ff ffffffffff 7f", "an endless integer")]
    [InlineData("ff", "an integer without its bytes")]
    [InlineData("00", "no name")]
    [InlineData("00 05 61 62", "a name cut short")]
    [InlineData("00 01 61", "no value")]
    [InlineData("00 01 61 7f ffff7f", "a value longer than the block")]
    [InlineData("00 81 00 01 61", "a name of broken Huffman code")]
    [InlineData("3f e2 1f", "a table of 4097 bytes")]
    [InlineData("82 20", "a table size behind a field")]
    public void A_broken_block_is_an_error(string block, string why)
    {
        var fields = new HpackDecoder(64 << 10).Read(Hex(block));
        while (fields.TryNext())
        {
        }

        Assert.True(fields.Error is not null, why);
    }

    [Fact]
    public void A_table_size_update_evicts_and_the_table_grows_again_later()
    {
        var decoder = new HpackDecoder(64 << 10);
        Read(decoder, "4001 6101 62");
        Assert.Equal(["a: b"], Read(decoder, "be"));

        Assert.Equal([":method: GET"], Read(decoder, "20 82"));
        Assert.NotNull(ErrorOf(decoder, "be"));

        Assert.Equal(["c: d"], Read(decoder, "3fe11f 4001 6301 64"));
        Assert.Equal(["c: d"], Read(decoder, "be"));
    }

    [Fact]
    public void An_entry_larger_than_the_table_empties_it_and_is_still_a_field()
    {
        var decoder = new HpackDecoder(64 << 10);
        Read(decoder, "4001 6101 62");
        var large = new string('v', 5000);
        var block = new ArrayBufferWriter<byte>();
        HpackEncoder.WriteLiteral(block, "n", large);
        var bytes = block.WrittenSpan.ToArray();
        bytes[0] = 0x40;

        Assert.Equal([$"n: {large}"], Read(decoder, bytes));
        Assert.NotNull(ErrorOf(decoder, "be"));
    }

    [Fact]
    public void Many_small_entries_push_the_oldest_out()
    {
        var decoder = new HpackDecoder(64 << 10);
        for (var i = 0; i < 1000; i++)
        {
            var name = Encoding.ASCII.GetBytes($"{i:d6}");
            Read(decoder, [0x40, 6, .. name, 0]);
            Assert.Equal([$"{i:d6}: "], Read(decoder, "be"));
        }

        // 4096 bytes hold 107 entries of 38.
        Assert.Equal(["000893: "], Read(decoder, [0xFF, 168 - 127]));
        Assert.NotNull(ErrorOf(decoder, [0xFF, 169 - 127]));
    }

    [Fact]
    public void A_short_block_that_repeats_a_long_entry_is_seen_to_be_too_large()
    {
        var decoder = new HpackDecoder(64 << 10);
        var block = new ArrayBufferWriter<byte>();
        HpackEncoder.WriteLiteral(block, "n", new string('v', 4000));
        var first = block.WrittenSpan.ToArray();
        first[0] = 0x40;
        Read(decoder, first);

        var fields = decoder.Read(Enumerable.Repeat((byte)0xBE, 60_000).ToArray());
        var count = 0;
        while (fields.TryNext())
        {
            count++;
        }

        Assert.Equal(60_000, count);
        Assert.True(fields.IsTooLarge);
        Assert.Null(fields.Error);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(126)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(254)]
    [InlineData(255)]
    [InlineData(16_000)]
    public void What_the_encoder_writes_the_decoder_reads(int length)
    {
        var value = new string('x', length);
        var block = new ArrayBufferWriter<byte>();
        HpackEncoder.WriteIndexed(block, HpackStaticTable.MethodPost);
        HpackEncoder.WriteLiteral(block, HpackStaticTable.UserAgent, value);
        HpackEncoder.WriteLiteral(block, "te", "trailers");
        HpackEncoder.WriteSecret(block, "authorization", value);

        Assert.Equal([":method: POST", $"user-agent: {value}", "te: trailers", $"authorization: {value}"], Read(new HpackDecoder(64 << 10), block.WrittenSpan));
    }

    [Fact]
    public void No_block_makes_the_decoder_throw()
    {
        var random = new Random(7541);
        var seeds = PlainResponses.Concat(HuffmanResponses).Select(Hex).ToArray();
        var decoder = new HpackDecoder(1024);
        for (var round = 0; round < 50_000; round++)
        {
            var block = (byte[])seeds[random.Next(seeds.Length)].Clone();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                block[random.Next(block.Length)] = (byte)random.Next(256);
            }

            var fields = decoder.Read(block.AsSpan(0, random.Next(block.Length + 1)));
            while (fields.TryNext())
            {
            }
        }

        Assert.NotEmpty(Read(decoder, "20 82"));
    }

    private static string[] Read(HpackDecoder decoder, string block) => Read(decoder, Hex(block));

    private static string[] Read(HpackDecoder decoder, ReadOnlySpan<byte> block)
    {
        var read = new List<string>();
        var fields = decoder.Read(block);
        while (fields.TryNext())
        {
            read.Add($"{Encoding.Latin1.GetString(fields.Name)}: {Encoding.Latin1.GetString(fields.Value)}");
        }

        Assert.Null(fields.Error);
        return [.. read];
    }

    private static string? ErrorOf(HpackDecoder decoder, string block) => ErrorOf(decoder, Hex(block));

    private static string? ErrorOf(HpackDecoder decoder, ReadOnlySpan<byte> block)
    {
        var fields = decoder.Read(block);
        while (fields.TryNext())
        {
        }

        return fields.Error;
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
