using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Character sets by their IANA names and aliases.</summary>
internal static class CharacterSets
{
    /// <summary>What IANA calls otherwise than .NET.</summary>
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["latin1"] = "iso-8859-1", ["l1"] = "iso-8859-1", ["ibm819"] = "iso-8859-1", ["cp819"] = "iso-8859-1", ["iso_8859-1"] = "iso-8859-1", ["iso-ir-100"] = "iso-8859-1",
        ["csisolatin1"] = "iso-8859-1", ["utf-16be"] = "utf-16be", ["csutf16be"] = "utf-16be", ["utf-16le"] = "utf-16le", ["csutf16le"] = "utf-16le",
        ["shift_jis"] = "shift_jis", ["ms_kanji"] = "shift_jis", ["csshiftjis"] = "shift_jis", ["windows-31j"] = "shift_jis",
        ["latin2"] = "iso-8859-2", ["l2"] = "iso-8859-2", ["cp936"] = "gbk", ["ms936"] = "gbk",
    };

    /// <summary>Null for one that is unknown. Bytes without a meaning become U+FFFD.</summary>
    public static Encoding? Find(string name)
    {
        var known = Aliases.GetValueOrDefault(name, name);
        if (known.Contains("utf-7", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(known) ?? Encoding.GetEncoding(known);
        }
        catch (Exception unknown) when (unknown is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}
