using System.Globalization;
using OtlpTap.Redact;
using static OtlpTap.Tests.Redact.SecretSamples;

namespace OtlpTap.Tests.Redact;

/// <summary>How many secrets are found, and how much that is none is taken for one.</summary>
public sealed class PrecisionTests(ITestOutputHelper output)
{
    private const int SamplesOfEach = 20;

    private static readonly Redactor Masking = new(new RedactOptions());

    [Fact]
    public void Keys_that_say_what_they_are_are_found_anywhere() => Assert.InRange(Recall(Prefixed, [.. Anywhere, .. Named]), 0.999, 1);

    [Fact]
    public void Random_characters_are_found_anywhere() => Assert.InRange(Recall(Plain, [.. Anywhere, .. Named]), 0.97, 1);

    [Fact]
    public void Keys_in_hex_are_found_where_they_are_called_keys() => Assert.InRange(Recall(PlainHex, Named), 0.999, 1);

    [Fact]
    public void Ids_hashes_and_pictures_are_left_alone()
    {
        var random = new Random(11);
        var (all, wrong) = (0, 0);
        foreach (var (what, form) in Harmless)
        {
            var taken = new List<string>();
            for (var i = 0; i < SamplesOfEach; i++)
            {
                var text = Make(form, random);
                foreach (var place in HarmlessPlaces)
                {
                    var whole = place.Replace("@", place.Contains("\\\"", StringComparison.Ordinal) ? text.Replace("\"", "\\\\\\\"", StringComparison.Ordinal) : place.StartsWith('{') ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text, StringComparison.Ordinal);
                    all++;
                    if (Masking.Redact(whole) != whole)
                    {
                        wrong++;
                        taken.Add(whole);
                    }
                }
            }

            Tell(what, SamplesOfEach * HarmlessPlaces.Length, taken);
        }

        output.WriteLine($"{wrong} of {all} harmless texts were changed");
        Assert.InRange(wrong / (double)all, 0, 0.002);
    }

    private double Recall((string Provider, string Form)[] samples, string[] places)
    {
        var random = new Random(7);
        var (all, missed) = (0, 0);
        foreach (var (provider, form) in samples)
        {
            var left = new List<string>();
            for (var i = 0; i < SamplesOfEach; i++)
            {
                var secret = Make(form, random);
                foreach (var place in places)
                {
                    all++;
                    if (!IsHidden(Masking.Redact(place.Replace("@", secret, StringComparison.Ordinal)), secret))
                    {
                        missed++;
                        left.Add(place.Replace("@", secret, StringComparison.Ordinal));
                    }
                }
            }

            Tell(provider, SamplesOfEach * places.Length, left);
        }

        output.WriteLine($"{all - missed} of {all} secrets were hidden");
        return 1 - (missed / (double)all);
    }

    /// <summary>Of its last half nothing stands in one piece: what goes before may be the provider's mark.</summary>
    private static bool IsHidden(string redacted, string secret)
    {
        var length = Math.Min(12, secret.Length / 2);
        for (var at = secret.Length / 2; at + length <= secret.Length; at++)
        {
            if (redacted.Contains(secret.AsSpan(at, length), StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    private void Tell(string what, int all, List<string> wrong)
    {
        if (wrong.Count > 0)
        {
            var first = wrong[0].Length > 160 ? wrong[0][..160] : wrong[0];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {wrong.Count} of {all}, as {first}"));
        }
    }
}
