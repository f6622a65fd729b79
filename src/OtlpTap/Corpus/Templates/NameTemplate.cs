using System.Text;

namespace OtlpTap.Corpus.Templates;

/// <summary>Names of agents, tools and models as all their instances have them.</summary>
internal static class NameTemplate
{
    /// <summary>A name of an agent, a tool or a model without what makes each instance's differ: ids and dates.</summary>
    public static string Of(string name)
    {
        const int NameMax = 128;
        var text = name.Length > NameMax ? name[..NameMax] : name;
        var result = new StringBuilder();
        var i = 0;
        while (i < text.Length)
        {
            if (IdShape.IsUuid(text, i))
            {
                result.Append("<id>");
                i += 36;
                continue;
            }

            var end = i;
            while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
            {
                end++;
            }

            if (end == i)
            {
                result.Append(text[i++]);
                continue;
            }

            var word = text.AsSpan(i, end - i);
            var digits = IdShape.CountDigits(word);
            result.Append(digits == word.Length && word.Length >= 5 ? "<n>" : word.Length >= 8 && digits >= 2 && IdShape.IsHex(word) ? "<id>" : word);
            i = end;
        }

        return result.ToString();
    }

    /// <summary>A model without the date or the number of its snapshot: asked for by its short name, it answers by its long one.</summary>
    public static string OfModel(string model)
    {
        var name = Of(model);
        var slash = name.LastIndexOf('/');
        name = (slash >= 0 ? name[(slash + 1)..] : name).ToLowerInvariant();
        string[] endings = ["-latest", "-<n>", "@<n>", "-preview"];
        foreach (var ending in endings)
        {
            name = name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : name;
        }

        // -2024-08-06
        return name.Length > 11 && name[^11] == '-' && name[^6] == '-' && name[^3] == '-' && IdShape.CountDigits(name.AsSpan(name.Length - 10)) == 8 ? name[..^11] : name;
    }
}
