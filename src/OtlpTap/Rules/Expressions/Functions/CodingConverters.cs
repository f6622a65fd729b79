using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Hashes, base64, character sets.</summary>
internal static class CodingConverters
{
    private static readonly Parameter Target = new("Target", ParameterKind.Text);

    public static IEnumerable<Converter> All { get; } =
    [
        Hash("MD5", MD5.HashData),
        Hash("SHA1", SHA1.HashData),
        Hash("SHA256", SHA256.HashData),
        Hash("SHA512", SHA512.HashData),
        Hash("XXH3", bytes => XxHash3.Hash(bytes)),
        Hash("XXH128", bytes => XxHash128.Hash(bytes)),
        Hash("Murmur3Hash", MurmurHash.Hash32),
        Hash("Murmur3Hash128", MurmurHash.Hash128),
        Converter.Of("FNV", [Target], values => new IntValue(Fnv(((TextValue)values[0]).Text))),
        Converter.Of("Hex", [new("Target", ParameterKind.BytesLike)], values => new TextValue(values[0] is BytesValue bytes ? Convert.ToHexStringLower(bytes.Bytes) : "")),
        Converter.Of("Base64Decode", [Target], values => Base64.Decode(((TextValue)values[0]).Text, isUrl: false, isRaw: false)),
        Converter.Of("Base64Encode", [Target, new("Variant", ParameterKind.Text, IsOptional: true)], values => Encode(((TextValue)values[0]).Text, values[1] is TextValue variant ? variant.Text : "base64")),
        new("Decode", [new("Target", ParameterKind.Any), new("Encoding", ParameterKind.Text)], Decode),
    ];

#pragma warning disable CA5350, CA5351 // The user asks for these hashes by name, to compare them; nothing is secured by them.
    private static Converter Hash(string name, Func<byte[], byte[]> hash) =>
        Converter.Of(name, [Target], values => new TextValue(Convert.ToHexStringLower(hash(ByteText.ToBytes(((TextValue)values[0]).Text)))));
#pragma warning restore CA5350, CA5351

    /// <summary>FNV-1a of 64 bits, as a signed number.</summary>
    private static long Fnv(string text)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var item in text)
        {
            hash = unchecked((hash ^ item) * 0x100000001B3);
        }

        return unchecked((long)hash);
    }

    private static Value Encode(string text, string variant)
    {
        if (variant is not ("base64" or "base64-raw" or "base64-url" or "base64-raw-url"))
        {
            return new Failure($"the variant '{ByteText.ToDisplay(variant)}' of base64 is unknown");
        }

        var encoded = Convert.ToBase64String(ByteText.ToBytes(text));
        if (variant.EndsWith("url", StringComparison.Ordinal))
        {
            encoded = encoded.Replace('+', '-').Replace('/', '_');
        }

        return new TextValue(variant.Contains("raw", StringComparison.Ordinal) ? encoded.TrimEnd('=') : encoded);
    }

    private static Func<TelemetryItem, Value>? Decode(ConverterCall call)
    {
        if (call.LiteralText(1) is { } known)
        {
            return DecoderOf(known) is { } decoder
                ? item => Decoded(call[0].Get(item), decoder)
                : call.Refuse(1, $"The encoding '{ByteText.ToDisplay(known)}' is unknown.");
        }

        return item =>
        {
            var target = call[0].Get(item);
            if (target is Failure)
            {
                return target;
            }

            return call[1].Get(item) switch
            {
                TextValue name when DecoderOf(name.Text) is { } decoder => Decoded(target, decoder),
                TextValue name => new Failure($"the encoding '{ByteText.ToDisplay(name.Text)}' is unknown"),
                var failure => failure,
            };
        };
    }

    private static Value Decoded(Value value, Func<string, Value> decoder) => value switch
    {
        TextValue text => decoder(text.Text),
        BytesValue bytes => decoder(ByteText.Of(bytes.Bytes)),
        Failure => value,
        _ => new Failure($"a value of type {value.TypeName} cannot be decoded"),
    };

    private static Func<string, Value>? DecoderOf(string name)
    {
        switch (name)
        {
            case "base64":
                return text => Base64.Decode(text, isUrl: false, isRaw: false);
            case "base64-raw":
                return text => Base64.Decode(text, isUrl: false, isRaw: true);
            case "base64-url":
                return text => Base64.Decode(text, isUrl: true, isRaw: false);
            case "base64-raw-url":
                return text => Base64.Decode(text, isUrl: true, isRaw: true);
        }

        switch (name.ToLowerInvariant())
        {
            case "utf-8-raw" or "utf8-raw" or "nop":
                return text => new TextValue(text);

            // Bytes that are no UTF-8 become U+FFFD, also in what is said to be ASCII.
            case "utf-8" or "utf8" or "ascii" or "us-ascii" or "":
                return text => new TextValue(string.Concat(ByteText.Runes(text).Select(item => item.Length == 1 && item.Rune.Value >= 0x80 ? ByteText.Of("\uFFFD") : text.Substring(item.Start, item.Length))));
            case "utf-16" or "utf16":
                return text => new TextValue(ByteText.Of(Encoding.Unicode.GetString(ByteText.ToBytes(text))));
        }

        return CharacterSets.Find(name) is { } encoding ? text => new TextValue(ByteText.Of(encoding.GetString(ByteText.ToBytes(text)))) : null;
    }
}
