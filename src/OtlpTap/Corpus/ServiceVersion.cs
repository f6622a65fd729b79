using System.Globalization;

namespace OtlpTap.Corpus;

/// <summary>Versions of services, as far as they have an order: 1.9.2 is before 1.10, 2.0.0-rc.1 before 2.0.0.</summary>
internal static class ServiceVersion
{
    /// <summary>Null when one of them is no version of numbers, such as a commit.</summary>
    public static int? Compare(string one, string other)
    {
        if (!TryParse(one, out var numbers, out var suffix) || !TryParse(other, out var otherNumbers, out var otherSuffix))
        {
            return null;
        }

        for (var i = 0; i < Math.Max(numbers.Count, otherNumbers.Count); i++)
        {
            var order = (i < numbers.Count ? numbers[i] : 0).CompareTo(i < otherNumbers.Count ? otherNumbers[i] : 0);
            if (order != 0)
            {
                return order;
            }
        }

        return (suffix.Length == 0, otherSuffix.Length == 0) switch
        {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => -1,
            _ => string.CompareOrdinal(suffix, otherSuffix),
        };
    }

    private static bool TryParse(string version, out List<long> numbers, out string suffix)
    {
        numbers = [];
        suffix = "";
        var text = version.AsSpan().Trim();
        text = text.StartsWith("v", StringComparison.OrdinalIgnoreCase) ? text[1..] : text;
        var build = text.IndexOf('+');
        text = build < 0 ? text : text[..build];
        var dash = text.IndexOf('-');
        if (dash >= 0)
        {
            suffix = text[(dash + 1)..].ToString();
            text = text[..dash];
        }

        foreach (var range in text.Split('.'))
        {
            if (!long.TryParse(text[range], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            numbers.Add(number);
        }

        // A single number of eight digits and more may as well be a commit.
        return numbers.Count > 1 || (suffix.Length == 0 && version.Length < 8);
    }
}
