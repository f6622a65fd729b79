using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class OtlpJsonNumberTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("0.0", 0)]
    [InlineData("0e5", 0)]
    [InlineData("0e-999999999999999999999", 0)]
    [InlineData("0e999999999999999999999", 0)]
    [InlineData("7", 7)]
    [InlineData("-7.000", -7)]
    [InlineData("1e3", 1000)]
    [InlineData("1E+3", 1000)]
    [InlineData("1.5e1", 15)]
    [InlineData("1500e-2", 15)]
    [InlineData("100.10e1", 1001)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807.0", long.MaxValue)]
    [InlineData("9.223372036854775807e18", long.MaxValue)]
    [InlineData("9223372036854775807000000e-6", long.MaxValue)]
    [InlineData("9007199254740993", 9_007_199_254_740_993)]
    public void A_whole_number_is_read_exactly_however_it_is_written(string text, long expected)
    {
        Assert.Equal(OtlpJsonNumberResult.Read, OtlpJsonNumber.ReadSigned(Encoding.UTF8.GetBytes(text), long.MinValue, long.MaxValue, out var value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("1e-1")]
    [InlineData("10e-2")]
    [InlineData("922337203685477580.5")]
    [InlineData("1e-999999999999999999999")]
    public void A_number_with_a_fraction_is_not_whole(string text) =>
        Assert.Equal(OtlpJsonNumberResult.NotWhole, OtlpJsonNumber.ReadSigned(Encoding.UTF8.GetBytes(text), long.MinValue, long.MaxValue, out _));

    [Theory]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("18446744073709551616")]
    [InlineData("-18446744073709551615")]
    [InlineData("1e19")]
    [InlineData("1e999999999999999999999")]
    public void A_number_of_more_than_64_bits_is_out_of_range(string text) =>
        Assert.Equal(OtlpJsonNumberResult.OutOfRange, OtlpJsonNumber.ReadSigned(Encoding.UTF8.GetBytes(text), long.MinValue, long.MaxValue, out _));

    [Theory]
    [InlineData("18446744073709551615", ulong.MaxValue, OtlpJsonNumberResultName.Read)]
    [InlineData("-0", 0, OtlpJsonNumberResultName.Read)]
    [InlineData("-1", 0, OtlpJsonNumberResultName.OutOfRange)]
    [InlineData("18446744073709551616", 0, OtlpJsonNumberResultName.OutOfRange)]
    [InlineData("99999999999999999999", 0, OtlpJsonNumberResultName.OutOfRange)]
    public void An_unsigned_number_has_64_bits_and_no_sign(string text, ulong expected, string result)
    {
        Assert.Equal(result, OtlpJsonNumber.ReadUnsigned(Encoding.UTF8.GetBytes(text), ulong.MaxValue, out var value).ToString());
        if (result == OtlpJsonNumberResultName.Read)
        {
            Assert.Equal(expected, value);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("+1")]
    [InlineData("01")]
    [InlineData("-01")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1e1.0")]
    [InlineData("1 ")]
    [InlineData(" 1")]
    [InlineData("0x10")]
    [InlineData("1_000")]
    [InlineData("1,000")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("١")]
    public void What_JSON_does_not_call_a_number_is_none(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);

        Assert.Equal(OtlpJsonNumberResult.NotANumber, OtlpJsonNumber.ReadSigned(utf8, long.MinValue, long.MaxValue, out _));
        Assert.Equal(OtlpJsonNumberResult.NotANumber, OtlpJsonNumber.ReadUnsigned(utf8, ulong.MaxValue, out _));
        Assert.Equal(OtlpJsonNumberResult.NotANumber, OtlpJsonNumber.ReadDouble(utf8, out _));
    }

    [Theory]
    [InlineData("0", 0.0)]
    [InlineData("-0.0", -0.0)]
    [InlineData("1e308", 1e308)]
    [InlineData("5e-324", double.Epsilon)]
    [InlineData("1e-400", 0.0)]
    [InlineData("0.1000000000000000055511151231257827", 0.1)]
    [InlineData("1.7976931348623157E+308", double.MaxValue)]
    public void A_double_is_the_nearest_one(string text, double expected)
    {
        Assert.Equal(OtlpJsonNumberResult.Read, OtlpJsonNumber.ReadDouble(Encoding.UTF8.GetBytes(text), out var value));
        Assert.Equal(BitConverter.DoubleToInt64Bits(expected), BitConverter.DoubleToInt64Bits(value));
    }

    [Theory]
    [InlineData("1e309")]
    [InlineData("-1e999999999999")]
    public void A_double_that_would_be_infinite_is_out_of_range(string text) =>
        Assert.Equal(OtlpJsonNumberResult.OutOfRange, OtlpJsonNumber.ReadDouble(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Random_texts_are_judged_as_exact_arithmetic_judges_them()
    {
        var random = new Random(1);
        for (var i = 0; i < 50_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => "00112359-+.eE"[random.Next(13)]));
            Assert.Equal(Exact(text), OtlpJsonNumber.ReadSigned(Encoding.UTF8.GetBytes(text), long.MinValue, long.MaxValue, out var value) switch
            {
                OtlpJsonNumberResult.Read => value.ToString(CultureInfo.InvariantCulture),
                var result => result.ToString(),
            });
        }
    }

    private static string Exact(string text)
    {
        if (!IsJsonNumber(text))
        {
            return nameof(OtlpJsonNumberResult.NotANumber);
        }

        var exponentAt = text.IndexOfAny(['e', 'E']);
        var significand = exponentAt < 0 ? text : text[..exponentAt];
        var pointAt = significand.IndexOf('.', StringComparison.Ordinal);
        var digits = BigInteger.Parse(significand.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        var power = BigInteger.Parse(exponentAt < 0 ? "0" : text[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) - (pointAt < 0 ? 0 : significand.Length - pointAt - 1);
        while (!digits.IsZero && power < 0 && digits % 10 == 0)
        {
            digits /= 10;
            power++;
        }

        if (digits.IsZero)
        {
            return "0";
        }

        if (power < 0)
        {
            return nameof(OtlpJsonNumberResult.NotWhole);
        }

        var value = power > 30 ? BigInteger.Pow(10, 30) : digits * BigInteger.Pow(10, (int)power);
        return value >= long.MinValue && value <= long.MaxValue ? value.ToString(CultureInfo.InvariantCulture) : nameof(OtlpJsonNumberResult.OutOfRange);
    }

    private static bool IsJsonNumber(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // The results by name, as the enum is internal and test methods are public.
    private static class OtlpJsonNumberResultName
    {
        public const string Read = nameof(OtlpJsonNumberResult.Read);
        public const string OutOfRange = nameof(OtlpJsonNumberResult.OutOfRange);
    }
}
